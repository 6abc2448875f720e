-- A container that is not there.
-- needs: docker
-- exit: 4
-- stderr: there is no container "rchaos-no-such-container" at unix:///
inject(docker.container("rchaos-no-such-container"):kill())
