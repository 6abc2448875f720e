-- How much must be said, once.
-- exit: 3
-- stderr: stress.disk_fill: say how much with one of bytes = "1GB", percent = "95%" and leave_free = "10MB"
stress.disk_fill { path = "/tmp", bytes = "1GB", percent = "5%" }
