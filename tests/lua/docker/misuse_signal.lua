-- A signal that there is not.
-- exit: 3
-- stderr: docker.kill: there is no signal "SIGKIL"; write "SIGKILL"
docker.container("web"):kill("SIGKIL")
