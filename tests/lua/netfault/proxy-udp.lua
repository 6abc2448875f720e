-- A UDP proxy listens, and takes what suits datagrams only.
local dns = netfault.proxy { protocol = "udp", upstream = "127.0.0.1:53", idle_timeout = "5s" }
expect(dns.protocol == "udp", "udp")
local live = inject(dns:duplicate { duplicate = "50%" })
inject(dns:reorder { reorder = "20%", gap = 2, hold = "10ms" })
inject(dns:packet_loss { loss = "30%" })
expect(live.active, "in place")
