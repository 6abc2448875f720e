-- A signal ends the process that was found, and no other.
local mark = "kill-lua-" .. uuid()
local function victim(part)
    return process.spawn { cmd = { "sh", "-c", "while :; do sleep 0.05; done", mark .. part } }
end
local first, second = victim("-first"), victim("-second")
inject(process.find { cmdline = mark .. "-first" }:kill("SIGKILL"))
expect("the one has ended", first:wait { within = "10s" } == "signal 9")
expect("the other has not", second:running())
