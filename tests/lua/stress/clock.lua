-- The wall clock of a program goes an hour ahead, and back.
-- needs: faketime
local program = process.spawn {
    cmd = { "sh", "-c", "while :; do date +%s; sleep 0.05; done" },
    clock = { wall = true },
}
-- How far its last time is from ours, in seconds.
local function off()
    local lines = {}
    for line in string.gmatch(program:log(), "(%d+)\n") do
        table.insert(lines, tonumber(line))
    end
    return #lines > 0 and lines[#lines] - now() / 1000
end
local function near(seconds)
    local is = off()
    return is and math.abs(is - seconds) < 60
end
eventually("it has the time", function() return near(0) end, { within = "10s" })
local live = inject(stress.clock { target = program, offset = "+1h" })
eventually("it is an hour ahead", function() return near(3600) end, { within = "10s" })
live:heal()
eventually("it has the time again", function() return near(0) end, { within = "10s" })
