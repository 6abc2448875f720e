-- A program's exit code and outputs are data; it is killed when its time is over.
local ran = process.run { cmd = { "sh", "-c", "cat; echo $WORD >&2; exit 3" }, stdin = "in", env = { WORD = "err" } }
expect("its end", not ran.ok and ran.code == 3 and not ran.timed_out)
expect("its outputs", ran.stdout == "in" and ran.stderr == "err\n" and not ran.truncated)
expect("its folder is the script's", process.run { cmd = { "ls" } }.stdout:find("run.lua", 1, true))

local slow = process.run { cmd = { "sh", "-c", "echo begun; sleep 60" }, timeout = "300ms" }
expect("no longer than it may", slow.timed_out and not slow.ok and slow.duration < 20000)
expect("what it wrote until then", slow.stdout == "begun\n")

local ok, problem = pcall(process.run, { cmd = { "no-such-program-anywhere" } })
expect("no such program", not ok and string.find(tostring(problem), "no-such-program-anywhere", 1, true))
