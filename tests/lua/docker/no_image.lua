-- An image that is not there.
-- needs: docker
-- exit: 4
-- stderr: there is no image "rchaos/none:1"
docker.run { image = "rchaos/none:1" }
