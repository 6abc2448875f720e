-- exit: 3
-- stderr: netfault.blackhole: option `direction`: expected "egress", "ingress" or "both", got "out"
netfault.blackhole(netfault.host(), { port = 80, direction = "out" })
