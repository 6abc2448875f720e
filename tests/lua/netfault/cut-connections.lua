-- needs: root, netns
-- A user's connection that is kept open is cut; the next request opens another one.
local shop = demo.shop {}
local port = tonumber(shop.url:match(":(%d+)$"))
local client = http.client {}
expect(client:get(shop.url .. "/items").ok, "before")
local cut = inject(netfault.cut(netfault.host(), { port = port, protocol = "tcp" }), { name = "cut" })
expect(cut.observed, "a connection was open, and was cut")
expect(cut.tier == "kernel", cut.tier)
expect(client:get(shop.url .. "/items").ok, "connected again")
expect(netfault.cut(netfault.host(), { port = 1 }).label == "cut connections of this host: port 1", "label")
