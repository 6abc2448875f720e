-- Space is taken, and the fault tells how much.
local live = inject(stress.disk_fill { path = "/dev/shm", bytes = "8MiB" })
expect("as much as was asked for", live.facts.bytes == 8 * 1024 * 1024)
live:heal()
