-- exit: 3
-- stderr: netfault.impair: option `burst`: it needs `rate`
netfault.impair(netfault.host(), { delay = "1ms", burst = "1MiB" })
