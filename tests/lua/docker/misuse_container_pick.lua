-- Picks belong to process.find.
-- exit: 3
-- stderr: process.find: option `container`: all its containers are searched; write `pick` in process.find
process.find { container = docker.containers { label = "a", pick = "one" } }
