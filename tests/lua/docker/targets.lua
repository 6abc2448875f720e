-- Faults on packets, processes and resources take containers.
-- needs: docker, root
local net = docker.network { subnet = "10.202.33.0/24" }
local function start(ip)
    return docker.run {
        image = "rchaos/busybox:1",
        cmd = "cd /tmp && echo hello > index.html && exec httpd -f -p 80",
        network = net,
        ip = ip,
        memory = "64MiB",
    }
end
local web, other = start("10.202.33.5"), start("10.202.33.6")
local function get(options)
    return http.get("http://10.202.33.5/", options)
end
eventually("it answers", function() return get().status == 200 end, { within = "20s" })

local slow = inject(netfault.latency(web, { delay = "150ms", port = 80 }))
expect("slow", get().duration > 140)
slow:heal()

local function reached(patience)
    return other:exec({ "timeout", patience or "20", "wget", "-q", "-O", "-", "http://10.202.33.5/" }).code == 0
end
expect("they reach each other", reached())
local cut = inject(netfault.partition { { web }, { other } })
expect("not now", not reached("1"))
cut:heal()
expect("again", reached())

local hang = inject(process.find { container = web, name = "httpd" }:pause())
expect("stopped", get({ timeout = "500ms" }).status == 0)
hang:heal()
expect("goes on", get().status == 200)

inject(stress.memory { bytes = "20MiB", target = web })
expect("counted in its group", web:stats().memory > 20e6)
