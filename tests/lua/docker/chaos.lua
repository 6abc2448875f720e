-- Kills on an interval: one at a time, never more down than allowed, all back in the end.
-- needs: docker
local mark = "chaos-" .. uuid()
for _ = 1, 3 do
    docker.run { image = "rchaos/busybox:1", cmd = { "sleep", "600" }, labels = { [mark] = "" } }
end
local done = docker.chaos {
    target = { label = mark },
    kill = "one",
    every = "300ms",
    hold = "1s",
    max_down = 1,
    rounds = 3,
}
expect("three rounds", done.rounds == 3 and #done.hit == 3)
expect("all are back", #docker.containers({ label = mark }):list() == 3)
