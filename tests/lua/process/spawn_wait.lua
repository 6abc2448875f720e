-- How a program ended by itself is told.
local program = process.spawn { cmd = { "sh", "-c", "echo done; exit 7" } }
local how = program:wait { within = "20s" }
expect("the exit code is told", how == "exit code 7")
expect("its output stays", program:log() == "done\n")
