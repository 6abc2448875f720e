-- A frozen program stands still without a signal, and goes on where it was.
-- needs: root, cgroup
local program = process.spawn { cmd = { "sh", "-c", "while :; do echo tick; sleep 0.02; done" } }
local function lines() return #program:log() end
eventually("it runs", function() return lines() > 0 end, { within = "10s" })
local live = inject(program:pause { by = "freeze" })
sleep("200ms")
local before = lines()
sleep("300ms")
expect("it stands still", lines() == before)
live:heal()
eventually("it goes on", function() return lines() > before end, { within = "10s" })
