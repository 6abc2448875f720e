-- Nobody matches, and that was not allowed.
-- needs: docker
-- exit: 4
-- stderr: no container matches label "rchaos-no-such-label"
inject(docker.containers { label = "rchaos-no-such-label" }:kill())
