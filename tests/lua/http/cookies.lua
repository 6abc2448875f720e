local shop = demo.shop{}
local function sent(options)
    return http.get(shop.url .. "/cookies", options):json("$.cookies")
end

http.get(shop.url .. "/cookies/set?a=1&b=2")
expect(sent().a == "1" and sent().b == "2", "kept and sent")
expect(http.cookies.get(shop.url, "a") == "1", "get")
expect(http.cookies.list(shop.url).b == "2", "list")

http.cookies.set(shop.url, "a", "9")
http.cookies.set(shop.url, "deep", "x", { path = "/items" })
expect(sent().a == "9" and sent().deep == nil, "set")
expect(http.cookies.get(shop.url .. "/items/1", "deep") == "x", "a path")
http.cookies.set(shop.url, "b", "", { max_age = "0s" })
expect(sent().b == nil, "deleted by age")

expect(sent({ cookies = { once = "y" } }).once == "y", "for one request")
expect(sent().once == nil, "and only for it")
expect(next(sent({ cookies = false })) == nil, "without the jar")
http.cookies.clear()
expect(next(sent()) == nil, "cleared")
