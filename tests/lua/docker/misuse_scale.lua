-- No number.
-- exit: 3
-- stderr: docker.service:scale: replicas:
docker.service("web"):scale("six")
