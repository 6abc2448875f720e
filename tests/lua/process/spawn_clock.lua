-- A program whose time since boot is ten days ahead.
-- needs: root
local function uptime(clock)
    local program = process.spawn { cmd = { "cat", "/proc/uptime" }, clock = clock }
    program:wait { within = "10s" }
    return tonumber(string.match(program:log(), "^(%d+)"))
end
local ahead = uptime { monotonic = "+10d" } - uptime()
expect("it is ten days ahead", math.abs(ahead - 864000) < 60)
