local shop = demo.shop { items = 3 }
expect(http.get(shop.url .. "/items/3").ok, "three items")
expect(http.get(shop.url .. "/items/4").status == 404, "and no more")
expect(demo.shop({ items = 3 }).url == shop.url, "the same options, the same shop")
local other = demo.shop { items = 4 }
expect(other.url ~= shop.url, "others, another")
other:stop()
expect(http.get(other.url .. "/").status == 0, "stopped")
