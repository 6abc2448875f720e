-- A duration has a unit.
-- exit: 3
-- stderr: process.run: option `timeout`: 5 has no unit; write "5ms" or "5s"
process.run { cmd = { "true" }, timeout = 5 }
