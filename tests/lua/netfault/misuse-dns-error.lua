-- exit: 3
-- stderr: netfault.dns: option `error`: expected "nxdomain", "servfail", "refused" or "timeout", got "gone"
netfault.dns(netfault.host(), { error = "gone" })
