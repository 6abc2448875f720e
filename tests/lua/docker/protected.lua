-- A protected container is never touched, not even by name.
-- needs: docker
-- exit: 4
-- stderr: is protected by its label rchaos.protect=true
local one = docker.run { image = "rchaos/busybox:1", cmd = { "sleep", "600" }, labels = { ["rchaos.protect"] = "true" } }
inject(docker.container(one.name):kill())
