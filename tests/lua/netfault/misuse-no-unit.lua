-- exit: 3
-- stderr: misuse-no-unit.lua:4: proxy:latency: option `delay`: 250 has no unit; write "250ms" or "250s"
local web = netfault.proxy { upstream = "127.0.0.1:1" }
web:latency { delay = 250 }
