-- What becomes of operations must be said.
-- exit: 3
-- stderr: stress.io_errors: say what becomes of them with errno = "EIO", delay = "50ms", or both
stress.io_errors { path = "/data" }
