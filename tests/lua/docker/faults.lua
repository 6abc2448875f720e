-- Every fault acts, and is undone to how it was.
-- needs: docker, root
local net = docker.network { subnet = "10.202.31.0/24" }
local web = docker.run {
    image = "rchaos/busybox:1",
    cmd = "cd /tmp && echo hello > index.html && exec httpd -f -p 80",
    network = net,
    ip = "10.202.31.9",
    aliases = { "web" },
    memory = "48MiB",
}
local function status(patience)
    return http.get("http://10.202.31.9/", { timeout = patience or "5s" }).status
end
eventually("it answers", function() return status() == 200 end, { within = "20s" })

local function with(fault, seen)
    local live = inject(fault)
    expect(`{fault}: seen`, seen())
    live:heal()
    eventually(`{fault}: answers again`, function() return status() == 200 end, { within = "20s" })
end
local function away() return status("500ms") == 0 end
with(web:kill(), away)
with(web:kill("SIGKILL", { crash = true }), away)
with(web:stop { timeout = "1s" }, away)
with(web:pause(), away)
with(web:disconnect(net.name), away)
with(web:remove(), away)
with(web:oom(), function() return away() and web:inspect().oom_killed end)
expect("its address", web:ip() == "10.202.31.9")
expect("its alias", table.find(web:inspect().raw.NetworkSettings.Networks[net.name].Aliases, "web"))

local before = web:inspect()
with(web:restart { timeout = "1s" }, function() return web:inspect().started_at ~= before.started_at end)
with(web:limit { cpus = 0.5, memory = "24MiB", pids = 50, cpuset = "0" }, function()
    local now = web:inspect()
    return now.cpus == 0.5 and now.memory == 24 * 2 ^ 20 and now.pids_limit == 50
end)
local after = web:inspect()
expect("limits as before", after.cpus == nil and after.memory == before.memory and after.pids_limit == nil)

local full = { inject = "touch /tmp/broken", undo = "rm -f /tmp/broken", check = "test -e /tmp/broken" }
with(web:custom(full), function() return web:exec("ls /tmp").stdout:find("broken") end)
expect("undone", web:exec("test -e /tmp/broken").code == 1)
