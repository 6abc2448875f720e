-- A project that is not up.
-- exit: 3
-- stderr: docker.compose: the project is not up; call :up() first
docker.compose("compose.yaml"):container("web")
