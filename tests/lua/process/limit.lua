-- A limit of a running process is lowered, and put back exactly.
local program = process.spawn { cmd = { "sh", "-c", "while :; do grep 'open files' /proc/$$/limits; sleep 0.05; done" } }
local function limit()
    local lines = {}
    for line in string.gmatch(program:log(), "[^\n]+") do
        table.insert(lines, string.match(line, "Max open files%s+(%d+)"))
    end
    return lines[#lines]
end
local before
eventually("it tells its limit", function()
    before = limit()
    return before ~= nil
end, { within = "10s" })
local live = inject(program:limit { open_files = 77 })
eventually("it is lowered", function() return limit() == "77" end, { within = "10s" })
live:heal()
eventually("it is as before", function() return limit() == before end, { within = "10s" })
