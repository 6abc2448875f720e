-- No limit is named.
-- exit: 3
-- stderr: docker.limit: say which limit: cpus, cpuset, memory, swap, pids
docker.container("web"):limit {}
