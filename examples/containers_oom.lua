-- Does a service come back when it runs out of memory? It gets a limit, the limit is met, and its restart policy has to act.
-- needs: docker, root

local web = docker.run {
    image = "rchaos/busybox:1",
    cmd = "cd /tmp && echo hello > index.html && exec httpd -f -p 80",
    -- A fixed port stays the same when it is started again.
    ports = { "18480:80" },
    restart = "always",
}
local url = `http://127.0.0.1:{web.ports[80]}/`
local function up()
    return http.get(url, { timeout = "1s" }).status == 200
end
eventually("it answers", up, { within = "20s" })
expect("no limit at first", web:inspect().memory == nil)

local limit = inject(web:limit { memory = "48MiB" }, { name = "less memory" })
expect("it answers with less", up())
inject(web:oom(), { name = "out of memory" })
local begun = now()
eventually("it is back", up, { within = "30s" })
log.info(`back after {now() - begun} ms, restarted {web:inspect().restart_count} times`)
expect("its policy did it", web:inspect().restart_count >= 1)

local deaths = docker.events { since = "30s", container = web.name, action = "oom" }
expect("the engine has noticed", #deaths >= 1)
limit:heal()
expect("no limit in the end", web:inspect().memory == nil)
