-- Limits, the freezer and memory in a target's limits, by control groups of the second version, read back from their files.
options { cpu_limit = "60s" }
local function read(path) local r = process.run { cmd = { "cat", path } } return r.ok and string.gsub(r.stdout, "%s+$", "") or nil end
local busy = process.spawn { cmd = { "sh", "-c", "while :; do :; done" } }
local function group() return string.match(read(`/proc/{busy.pid}/cgroup`), "0::(%S*)") end
local before = group()
local live = inject(busy:limit { cpu = "20%", memory = "64MiB", pids = 20 })
local at = "/sys/fs/cgroup" .. group()
log.info("moved", { from = before, to = group() })
expect("cpu.max", read(at .. "/cpu.max") == "20000 100000")
expect("memory.max", tonumber(read(at .. "/memory.max")) == 64 * 2 ^ 20)
expect("pids.max", read(at .. "/pids.max") == "20")
sleep("3s")
log.info("stat", { cpu = read(at .. "/cpu.stat") })
expect("throttled", tonumber(string.match(read(at .. "/cpu.stat"), "nr_throttled (%d+)")) > 5)
live:heal()
expect("back", group() == before)
expect("its group is gone", read(at .. "/cpu.max") == nil)
-- memory
local eater = process.spawn { cmd = { "sh", "-c", "sleep 2; exec tail /dev/zero" } }
local m = inject(eater:limit { memory = "32MiB" })
expect("ended by the kernel", eater:wait { within = "60s" } == "signal 9")
m:heal()
-- freeze
local tick = process.spawn { cmd = { "sh", "-c", "while :; do echo x; sleep 0.05; done" } }
sleep("1s")
local p = inject(tick:pause { by = "freeze" })
local at1 = #tick:log()
local g = "/sys/fs/cgroup" .. string.match(read(`/proc/{tick.pid}/cgroup`), "0::(%S*)")
expect("frozen", string.find(read(g .. "/cgroup.events"), "frozen 1") ~= nil)
sleep("1s")
expect("stands still", #tick:log() - at1 < 4)
p:heal()
local at2 = #tick:log()
sleep("1s")
expect("goes on", #tick:log() > at2)
-- stress inside the target's limits
local shell = process.spawn { cmd = { "sleep", "100" } }
inject(shell:limit { memory = "100MiB", cpu = "50%" })
local s = inject(stress.memory { percent = "50%", target = shell, touch = true })
local sg = "/sys/fs/cgroup" .. string.match(read(`/proc/{shell.pid}/cgroup`), "0::(%S*)")
log.info("held", { current = read(sg .. "/memory.current"), group = sg })
expect("about half is held", tonumber(read(sg .. "/memory.current")) > 45 * 2^20 and tonumber(read(sg .. "/memory.current")) < 75 * 2^20)
s:heal()
