-- Memory is held, all of it at once where no time is given.
local live = inject(stress.memory { bytes = "32MiB" })
expect("as much as was asked for", live.facts.count == 32 * 1024 * 1024)
