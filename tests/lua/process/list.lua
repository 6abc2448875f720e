-- Each of those that match can be named by itself.
-- They sleep for the sum, a number that nobody else sleeps for. Shells would work in forks, which are like them for a moment.
local mark = string.format("0.%09d", math.random(1, 999999999))
for _ = 1, 3 do
    process.spawn { cmd = { "sleep", "60", mark } }
end
local found
eventually("three match", function()
    found = process.find { cmdline = "60 " .. mark }:list()
    return #found == 3
end, { within = "10s" })
local picked = process.find { cmdline = "60 " .. mark, pick = { mode = "percent", value = "50%" } }:list()
expect("half of them, rounded up", #picked == 2)
inject(found[2]:kill("SIGKILL"))
local left = process.find { cmdline = "60 " .. mark }:list()
expect("two are left", #left == 2 and left[1].pid == found[1].pid and left[2].pid == found[3].pid)
