-- Without a limit there is nothing to run out of.
-- needs: docker
-- exit: 4
-- stderr: has no memory limit; inject :limit { memory = "64MiB" } first
local one = docker.run { image = "rchaos/busybox:1", cmd = { "sleep", "600" } }
inject(one:oom())
