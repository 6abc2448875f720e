-- A state that there is not.
-- exit: 3
-- stderr: docker.containers: option `status`: no container is "runing"; did you mean "running"?
docker.containers { status = "runing" }
