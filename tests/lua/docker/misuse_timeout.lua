-- Engines take whole seconds.
-- exit: 3
-- stderr: docker.stop: option `timeout`: engines take whole seconds
docker.container("web"):stop { timeout = "500ms" }
