-- exit: 3
-- stderr: netfault.network: subnet 10.66.0.0/29 has room for 5 hosts, not for 6
netfault.network { hosts = { "a", "b", "c", "d", "e", "f" }, subnet = "10.66.0.0/29" }
