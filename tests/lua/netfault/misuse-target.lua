-- exit: 3
-- stderr: netfault.blackhole: argument 1: expected a target such as netfault.namespace("n1") or host("db1"), got "n1"
netfault.blackhole("n1")
