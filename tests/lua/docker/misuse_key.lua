-- An unknown option.
-- exit: 3
-- stderr: docker.containers: unknown option `labels`
docker.containers { labels = "a" }
