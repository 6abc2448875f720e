-- One of the two.
-- exit: 3
-- stderr: stress.inodes: say how many with one of leave = 10 and count = 1000
stress.inodes { path = "/tmp", leave = 3, count = 3 }
