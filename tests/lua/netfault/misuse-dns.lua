-- exit: 3
-- stderr: netfault.dns: give one of `error`, `random`, `spoof` and `delay`
netfault.dns(netfault.host(), { names = "*.example" })
