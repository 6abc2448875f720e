-- exit: 3
-- stderr: netfault.latency: option `correlation`: it says how the delay varies, which needs `jitter`
netfault.latency(netfault.host(), { delay = "10ms", correlation = "25%" })
