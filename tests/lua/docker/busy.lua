-- A container whose processes come and go all the time is hit every time: that one of them has ended since it was
-- found is no mistake.
-- needs: docker, root, cgroup
local busy = docker.run { image = "rchaos/busybox:1", cmd = "while :; do true | true & wait; done" }
local all = process.find { container = busy }
local faults = {
    packets = function() return netfault.latency(busy, { delay = "1ms" }) end,
    paused = function() return all:pause() end,
    limited = function() return all:limit { open_files = 64, pids = 64 } end,
    descriptors = function() return stress.fds { leave = 20, target = busy } end,
}
for name, fault in faults do
    for round = 1, 8 do
        local live = inject(fault(), { name = `{name} {round}` })
        expect(name, live.active)
        live:heal()
    end
end
