-- exit: 3
-- stderr: netfault.blackhole: unknown option `prot`; did you mean `port`?
netfault.blackhole(netfault.namespace("n1"), { prot = 80 })
