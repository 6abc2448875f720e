-- An unknown option.
-- exit: 3
-- stderr: docker.node: unknown option `engin`
docker.node("n1", { engin = "unix:///run/x.sock" })
