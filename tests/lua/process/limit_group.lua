-- Processes and threads of a program are limited by a control group around it, and it is back where it was afterwards.
-- needs: root, cgroup
local program = process.spawn { cmd = { "sh", "-c", "while :; do cat /proc/$$/cgroup; echo end; sleep 0.05; done" } }
local function grouped()
    local last
    for block in string.gmatch(program:log(), "(.-)\nend\n") do
        last = block
    end
    return last ~= nil and string.find(last, "rchaos-", 1, true) ~= nil
end
eventually("it runs", function() return program:log() ~= "" end, { within = "10s" })
local live = inject(program:limit { pids = 50, cpu = "90%", memory = "512MiB" })
eventually("it is in a group of ours", grouped, { within = "10s" })
live:heal()
eventually("it is back", function() return not grouped() end, { within = "10s" })
