-- What a container says of itself.
-- needs: docker
local one = docker.run {
    image = "rchaos/busybox:1",
    cmd = "echo first; echo second >&2; exec sleep 600",
    memory = "32MiB",
    pids = 30,
    cpus = 0.5,
}
expect("a line", one:wait_log("seco") == "second")
expect("both outputs", #one:logs() == 2)
expect("those that match", one:logs({ grep = "re:^fi" })[1] == "first")
expect("the last", #one:logs({ tail = 1 }) == 1)
expect("what comes", #one:logs({ follow = "300ms" }) == 2)

local state = one:inspect()
expect("state", state.running and state.status == "running" and not state.paused and state.health == nil)
expect("limits", state.memory == 32 * 2 ^ 20 and state.pids_limit == 30 and state.cpus == 0.5)
expect("all of it", state.raw.HostConfig.PidsLimit == 30)
expect("address", one:ip() == state.networks.bridge)

local done = one:exec("echo out; echo err >&2; exit 3", { env = { A = "1" } })
expect("exec", done.code == 3 and done.stdout == "out\n" and done.stderr == "err\n")
expect("time is up", one:exec({ "sleep", "60" }, { timeout = "300ms" }).code == nil)
expect("processes", one:top()[1].command == "sleep 600")

local usage = one:stats()
expect("usage", usage.memory > 0 and usage.memory_limit == 32 * 2 ^ 20 and usage.pids >= 1)
local events = docker.events { since = "1m", container = one.name, type = "container" }
local actions = {}
for _, event in events do
    actions[event.action] = event.name
end
expect("events", actions.create == one.name and actions.start == one.name)
