-- An endpoint without a scheme.
-- exit: 3
-- stderr: docker.container: option `engine`: expected an endpoint such as "unix:///run/docker.sock"
docker.container("web", { engine = "/run/docker.sock" })
