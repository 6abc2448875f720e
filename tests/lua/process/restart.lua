-- What was killed is started again when the kill is healed.
local mark = "restart-lua-" .. uuid()
local cmd = { "sh", "-c", "while :; do sleep 0.05; done", mark }
process.spawn { cmd = cmd }
local victims = process.find { cmdline = "done " .. mark }
local before = victims:list()[1].pid
local live = inject(victims:kill("SIGKILL", { restart = { cmd = cmd, within = "20s" } }))
expect("nobody is left", #victims:list() == 0)
live:heal()
local after = victims:list()
expect("one is back", #after == 1 and after[1].pid ~= before)
inject(victims:kill())
