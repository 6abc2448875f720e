-- A paused program writes nothing until it is healed.
local program = process.spawn { cmd = { "sh", "-c", "while :; do echo x; sleep 0.02; done" } }
local function written()
    return #program:log()
end
local live = inject(program:pause())
sleep("200ms")
local before = written()
sleep("300ms")
expect("it stands still", written() == before)
live:heal()
eventually("it goes on", function()
    return written() > before
end, { within = "10s" })
