-- A victim that there is not.
-- exit: 3
-- stderr: docker.oom: option `victim`: "me": write "main" for the main process
docker.container("web"):oom { victim = "me" }
