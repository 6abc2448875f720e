-- exit: 3
-- stderr: netfault.latency: option `jitter`: it is above the delay of 10ms
netfault.latency(netfault.host(), { delay = "10ms", jitter = "20ms" })
