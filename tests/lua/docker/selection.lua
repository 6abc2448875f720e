-- Which containers match, and that protected ones never do.
-- needs: docker
local mark = "selection-" .. uuid()
local function start(labels)
    labels[mark] = "yes"
    return docker.run { image = "rchaos/busybox:1", cmd = { "sleep", "600" }, labels = labels }
end
start { part = "a" }
start { part = "b" }
start { part = "b", ["rchaos.protect"] = "true" }
local function count(options)
    options.label = options.label or mark
    return #docker.containers(options):list()
end
expect("all but the protected one", count {} == 2)
expect("both labels", count { label = { mark, "part=b" } } == 1)
expect("none", count { label = { mark, "part=c" }, allow_empty = true } == 0)
expect("states", count { status = "exited", allow_empty = true } == 0)
expect("names", count { name = "re:^rchaos-" } == 2)
expect("excluded", count { exclude = "re:.", allow_empty = true } == 0)
expect("one of them", count { pick = "one" } == 1)
expect("a share", count { pick = { mode = "percent", value = "50%" } } == 1)

local live = inject(docker.containers { label = mark }:pause())
expect("both are paused", count { status = "paused" } == 2)
live:heal()
expect("and go on", count {} == 2)
