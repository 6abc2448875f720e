-- Which clock must be said.
-- exit: 3
-- stderr: process.spawn: option `clock`: expected wall = true, monotonic = "+1h", or both
process.spawn { cmd = { "true" }, clock = {} }
