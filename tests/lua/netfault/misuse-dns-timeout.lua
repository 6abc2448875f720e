-- exit: 3
-- stderr: netfault.dns: option `delay`: with error = "timeout" nothing comes at all
netfault.dns(netfault.host(), { error = "timeout", delay = "1s" })
