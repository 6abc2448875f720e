-- A program that is not there is a precondition.
-- exit: 4
-- stderr: spawn_missing.lua:5: process.spawn: there is no program "no-such-program" here
local cmd = { "no-such-program" }
process.spawn { cmd = cmd }
