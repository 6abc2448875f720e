-- A size where a rate is needed.
-- exit: 3
-- stderr: docker.limit: option `write`: "1MB" is not a transfer rate

docker.container("web"):limit { write = "1MB" }
