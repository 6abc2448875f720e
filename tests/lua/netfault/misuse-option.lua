-- exit: 3
-- stderr: misuse-option.lua:4: proxy:latency: unknown option `latency`
local web = netfault.proxy { upstream = "127.0.0.1:1" }
web:latency { latency = "100ms" }
