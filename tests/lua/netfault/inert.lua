-- Constructing touches nothing: neither needs the target to be there, nor a right.
local hole = netfault.blackhole(netfault.namespace("n1"), { to = { netfault.namespace("n2"), "10.0.0.0/8" },
    port = { 80, "8000-8010" }, protocol = "tcp", direction = "both", except = "10.1.0.0/16" })
local label = "blackhole namespace n1: to namespace n2 and 10.0.0.0/8, except 10.1.0.0/16, port 80 and 8000-8010, tcp, both directions"
expect(hole.label == label and hole.kind == "netfault.blackhole", hole.label)
expect(tostring(netfault.host()) == "this host", "host")
local way = netfault.partition({ { netfault.namespace("n1") }, { netfault.namespace("n2") } }, { one_way = true })
expect(way.label == "partition namespace n1 to namespace n2", way.label)
local from = netfault.reject(netfault.host(), { from = "10.0.0.1", with = "prohibited" })
expect(from.label == "reject this host: from 10.0.0.1, ingress", from.label)
