-- No regular expression.
-- exit: 3
-- stderr: docker.containers: option `name`: "(" is no regular expression
docker.containers { name = "re:(" }
