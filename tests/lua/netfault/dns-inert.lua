-- Constructing touches nothing.
local target = netfault.namespace("nobody")
local missing = netfault.dns(target, { error = "nxdomain", names = { "*.db.example", "web.example" }, share = "50%" })
expect(missing.label == "dns of namespace nobody: port 53, egress" and missing.kind == "netfault.dns", missing.label)
netfault.dns(target, { random = true, direction = "both", tcp = "pass" })
netfault.dns(target, { spoof = { ["db.example"] = { "10.0.0.7", "fd00::7" }, ["*"] = "10.0.0.8" }, delay = "100ms" })
local late = netfault.dns(target, { delay = "2s", to = "10.0.0.2", port = 5353 })
expect(late.label == "dns of namespace nobody: to 10.0.0.2, port 5353, egress", late.label)
