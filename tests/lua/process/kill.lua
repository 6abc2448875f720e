-- A signal ends the process that was found, and no other.
local mark = string.format("0.%09d", math.random(1, 999999999))
local function victim(seconds)
    return process.spawn { cmd = { "sleep", seconds, mark } }
end
local first, second = victim("60"), victim("61")
inject(process.find { cmdline = "60 " .. mark }:kill("SIGKILL"))
expect("the one has ended", first:wait { within = "10s" } == "signal 9")
expect("the other has not", second:running())
