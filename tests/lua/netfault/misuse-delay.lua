-- exit: 3
-- stderr: netfault.latency: option `delay`: 100 has no unit; write "100ms" or "100s"
netfault.latency(netfault.host(), { delay = 100 })
