-- What containers use is recorded while the run goes on.
-- needs: docker
local mark = "watch-" .. uuid()
docker.run { image = "rchaos/busybox:1", cmd = { "sleep", "600" }, labels = { [mark] = "" } }
docker.watch { containers = docker.containers { label = mark }, every = "1s" }
eventually("recorded", function()
    local seen = metrics.get("container_memory")
    return seen ~= nil and seen:value() > 0
end, { within = "20s" })
