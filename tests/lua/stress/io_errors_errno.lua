-- An error has the kernel's name.
-- exit: 3
-- stderr: stress.io_errors: option `errno`: "IO" is no error of a filesystem; there are EIO, ENOSPC
stress.io_errors { path = "/data", errno = "IO" }
