-- exit: 3
-- stderr: netfault.blackhole: option `to`: "10.0.0.0/40" is no address and no network; write "10.0.0.7" or "10.0.0.0/8"
netfault.blackhole(netfault.host(), { to = "10.0.0.0/40" })
