-- A path that means another folder for the target.
-- exit: 3
-- stderr: stress.disk_fill: option `path`: "data" must begin with "/"
stress.disk_fill { path = "data", bytes = "1MB" }
