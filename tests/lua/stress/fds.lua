-- A process has only so many descriptors left.
local program = process.spawn {
    cmd = { "sh", "-c", "while :; do if (exec 7</dev/null) 2>/dev/null; then echo fine; else echo short; fi; sleep 0.05; done" },
}
local function last()
    return string.match(program:log(), "(%a+)\n$")
end
eventually("it has enough", function() return last() == "fine" end, { within = "10s" })
local live = inject(stress.fds { target = program, leave = 0 })
eventually("it has not", function() return last() == "short" end, { within = "10s" })
live:heal()
eventually("it has again", function() return last() == "fine" end, { within = "10s" })
