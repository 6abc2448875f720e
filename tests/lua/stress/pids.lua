-- Process numbers are taken as threads of one process.
local live = inject(stress.pids { count = 20 })
expect("as many as were asked for", live.facts.count == 20)
