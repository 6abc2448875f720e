-- Operations have names.
-- exit: 3
-- stderr: stress.io_errors: option `on`: there is no operation "fsync"; there are read, write, sync
stress.io_errors { path = "/data", errno = "EIO", on = { "fsync" } }
