-- It would not end.
-- exit: 3
-- stderr: docker.chaos: say when it ends, with `duration` or `rounds`
docker.chaos { target = { label = "a" }, kill = "one" }
