-- Disks have blocks.
-- exit: 3
-- stderr: stress.disk_io: option `block`: must be a multiple of "4KiB", at most "64MiB"
stress.disk_io { path = "/dev/shm", block = "1KB" }
