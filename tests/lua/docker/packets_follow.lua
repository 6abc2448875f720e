-- A fault on packets is there again when its container has been started again, in another network namespace.
-- needs: docker, root
local web = docker.run {
    image = "rchaos/busybox:1",
    cmd = "cd /tmp && echo hello > index.html && exec httpd -f -p 80",
    network = docker.network { subnet = "10.202.34.0/24" },
    ip = "10.202.34.5",
}
local function reached()
    return http.get("http://10.202.34.5/", { timeout = "500ms" }).status == 200
end
local function serves()
    return web:exec({ "wget", "-q", "-O", "-", "http://127.0.0.1/" }).code == 0
end
eventually("it answers", reached, { within = "20s" })

local cut = inject(netfault.blackhole(web, { direction = "ingress" }), { name = "cut" })
expect("not now", not reached())
local before = web:inspect().pid
inject(web:restart { timeout = "1s" }):heal()
eventually("another process serves", function()
    return web:inspect().pid ~= before and serves()
end, { within = "20s" })
eventually("cut again", function() return not reached() end, { within = "15s" })
sleep("1s")
expect("and it stays so", not reached() and serves())
cut:heal()
eventually("healed", reached, { within = "10s" })
