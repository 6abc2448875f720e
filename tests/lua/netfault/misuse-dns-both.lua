-- exit: 3
-- stderr: netfault.dns: give one of `error`, `random` and `spoof`
netfault.dns(netfault.host(), { error = "servfail", random = true })
