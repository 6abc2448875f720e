-- exit: 3
-- stderr: netfault.cut: option `protocol`: only "tcp" and "udp" have connections that can be cut
netfault.cut(netfault.host(), { protocol = "icmp" })
