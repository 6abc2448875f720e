-- A signal that there is not.
-- exit: 3
-- stderr: process.kill: there is no signal "SIGTREM"; write "SIGTERM"
process.find { name = "etcd" }:kill("SIGTREM")
