-- exit: 3
-- stderr: update: its stream stays downstream; heal it, and inject another
local web = netfault.proxy { name = "web", upstream = "127.0.0.1:9" }
local slow = inject(web:latency { delay = "10ms" }, { name = "slow" })
slow:update(web:latency { delay = "20ms", stream = "upstream" })
