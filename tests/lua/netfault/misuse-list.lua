-- exit: 3
-- stderr: netfault.blackhole: option `to`: item 2: expected a target, an address, a network or a host name, got 7
netfault.blackhole(netfault.host(), { to = { "10.0.0.1", 7 } })
