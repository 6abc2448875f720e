-- No fault is named.
-- exit: 3
-- stderr: docker.chaos: say which fault: kill, stop, pause, restart, remove
docker.chaos { target = { label = "a" }, rounds = 1 }
