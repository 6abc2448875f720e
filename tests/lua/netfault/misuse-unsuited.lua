-- exit: 3
-- stderr: misuse-unsuited.lua:4: proxy:slicer: toxic type slicer does not suit a udp proxy
local dns = netfault.proxy { protocol = "udp", upstream = "127.0.0.1:53" }
dns:slicer { average_size = "10B" }
