-- No port.
-- exit: 3
-- stderr: docker.run: option `ports`: "http" is no port; write "8080:80"
docker.run { image = "a", ports = { "http" } }
