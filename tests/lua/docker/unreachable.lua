-- No engine: a precondition, with the address.
-- exit: 4
-- env: DOCKER_HOST=unix:///nowhere/docker.sock
-- stderr: no container engine answers at unix:///nowhere/docker.sock
inject(docker.container("web"):kill())
