-- A limit without a unit.
-- exit: 3
-- stderr: docker.limit: option `memory`
docker.container("web"):limit { memory = 64 }
