-- The disk is kept busy.
local live = inject(stress.disk_io { path = "/dev/shm", size = "1MiB", block = "4KiB", workers = 2 })
eventually("it acts", function() return live.observed end, { within = "10s" })
