-- Connections are held until they are healed.
local shop = demo.shop {}
local live = inject(stress.connections { to = string.match(shop.url, "//(.*)"), count = 20 })
eventually("they act", function() return live.observed end, { within = "10s" })
