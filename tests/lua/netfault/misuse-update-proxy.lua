-- exit: 3
-- stderr: update: it is on another proxy
local web = netfault.proxy { name = "web", upstream = "127.0.0.1:9" }
local other = netfault.proxy { name = "other", upstream = "127.0.0.1:9" }
local slow = inject(web:latency { delay = "10ms" }, { name = "slow" })
slow:update(other:latency { delay = "20ms" })
