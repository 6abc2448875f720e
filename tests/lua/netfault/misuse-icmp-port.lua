-- exit: 3
-- stderr: netfault.loss: option `port`: "icmp" has no ports
netfault.loss(netfault.host(), { loss = "10%", protocol = "icmp", port = 7 })
