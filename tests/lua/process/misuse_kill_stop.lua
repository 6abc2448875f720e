-- A signal that nobody would undo.
-- exit: 3
-- stderr: process.kill: SIGSTOP would leave it stopped for good; write :pause()
local program = process.spawn { cmd = { "sleep", "60" } }
inject(program:kill("SIGSTOP"))
