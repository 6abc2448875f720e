-- needs: root, netns
-- A network of its own, so that the test touches no packet of the machine.
local net = netfault.network { hosts = { "lua-a", "lua-b" }, subnet = "10.202.1.0/24", subnet6 = "fd66:202:1::/64" }
local a, b = net.hosts[1], net.hosts["lua-b"]
expect(a.address == "10.202.1.1" and b.address6 == "fd66:202:1::2" and net.address == "10.202.1.254", "addresses")
expect(tostring(a) == "namespace lua-a" and b.name == "lua-b", "a host is a target")

-- Nobody listens there: a refusal is heard, silence is not.
local function answer(host, patience)
    return http.get("http://" .. host.address .. ":7/", { timeout = patience or "20s" }).error
end
expect(answer(a):find("refused"), "reachable")
local cut = inject(netfault.partition { { a }, { netfault.host() } }, { name = "cut" })
expect(cut.active and cut.tier == "lease" and cut.name == "cut", "live")
expect(answer(a, "400ms"):find("timed out"), "cut off")
expect(answer(b):find("refused"), "the other is not")
eventually("seen to act", function() return cut.observed end, { within = "5s" })
cut:heal()
expect(not cut.active and answer(a):find("refused"), "back")
