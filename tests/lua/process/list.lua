-- Each of those that match can be named by itself.
local mark = "list-lua-" .. uuid()
for _ = 1, 3 do
    process.spawn { cmd = { "sh", "-c", "while :; do sleep 0.05; done", mark } }
end
local found
eventually("three match", function()
    found = process.find { cmdline = "done " .. mark }:list()
    return #found == 3
end, { within = "10s" })
local picked = process.find { cmdline = "done " .. mark, pick = { mode = "percent", value = "50%" } }:list()
expect("half of them, rounded up", #picked == 2)
inject(found[2]:kill("SIGKILL"))
local left = process.find { cmdline = "done " .. mark }:list()
expect("two are left", #left == 2 and left[1].pid == found[1].pid and left[2].pid == found[3].pid)
