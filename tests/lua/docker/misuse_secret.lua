-- Nothing to say.
-- exit: 3
-- stderr: docker.secret: option `data` is missing

docker.secret { name = "key" }
