-- Only a program that was started with a clock of its own can have another time.
-- exit: 4
-- stderr: has no clock of its own; start it by process.spawn { clock = { wall = true }, … }
local program = process.spawn { cmd = { "sleep", "60" } }
inject(stress.clock { target = program, offset = "-1h" })
