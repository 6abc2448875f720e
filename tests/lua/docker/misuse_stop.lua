-- A signal that would leave it stopped.
-- exit: 3
-- stderr: docker.kill: SIGSTOP would leave it stopped for good; write :pause()
inject(docker.container("web"):kill("SIGSTOP"))
