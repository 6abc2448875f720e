-- Everybody is not a target.
-- exit: 3
-- stderr: process.find: say which processes, by name, pid, cmdline, port, user, container
process.find {}
