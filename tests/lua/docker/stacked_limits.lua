-- Of several limits the newest holds, and the last one out restores what was, whatever the order.
-- needs: docker
local one = docker.run { image = "rchaos/busybox:1", cmd = { "sleep", "600" }, memory = "64MiB" }
local first = inject(one:limit { cpus = 0.5, pids = 40 })
local second = inject(one:limit { cpus = 0.2, memory = "32MiB" })
expect("the newest", one:inspect().cpus == 0.2)
first:heal()
expect("still", one:inspect().cpus == 0.2)
expect("its own are gone", one:inspect().pids_limit == nil)
second:heal()
local now = one:inspect()
expect("as before", now.cpus == nil and now.memory == 64 * 2 ^ 20)
