-- exit: 3
-- stderr: update: "slow" is latency on proxy web, downstream, and becomes no bandwidth on proxy web, downstream
local web = netfault.proxy { name = "web", upstream = "127.0.0.1:9" }
local slow = inject(web:latency { delay = "10ms" }, { name = "slow" })
slow:update(web:bandwidth { rate = "1MB/s" })
