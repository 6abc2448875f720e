-- One sign, not two.
-- exit: 3
-- stderr: process.spawn: option `ready`: expected one of port, http and log
process.spawn { cmd = { "true" }, ready = { port = 1, log = "x" } }
