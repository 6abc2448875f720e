-- What was killed is started again when the kill is healed.
-- It sleeps for the sum, a number that nobody else sleeps for. A shell would do its work in forks, which are like it for a moment.
local mark = string.format("0.%09d", math.random(1, 999999999))
local cmd = { "sleep", "60", mark }
process.spawn { cmd = cmd }
local victims = process.find { cmdline = "60 " .. mark }
local before = victims:list()[1].pid
local live = inject(victims:kill("SIGKILL", { restart = { cmd = cmd, within = "20s" } }))
expect("nobody is left", #victims:list() == 0)
live:heal()
local after = victims:list()
expect("one is back", #after == 1 and after[1].pid ~= before)
inject(victims:kill())
