local shop = demo.shop{}

local seen = http.get(shop.url .. "/headers", { headers = { ["X-One"] = 1, ["x-two"] = { "a", "b" } } }):json("$.headers")
expect(seen["x-one"] == "1" and seen["x-two"] == "a, b", "headers")
expect(string.find(seen["user-agent"], "^rchaos/"), "user agent")
expect(seen["accept-encoding"] == nil, "no coding is asked for")

expect(http.get(shop.url .. "/items", { query = { page = 2 } }):json("$.page") == 2, "query")
expect(http.get(shop.url .. "/basic-auth/u/p", { auth = { basic = { "u", "p" } } }).ok, "basic")
expect(not http.get(shop.url .. "/basic-auth/u/p", { auth = { bearer = "t" } }).ok, "bearer")
expect(http.get(shop.url .. "/redirect/3").url == shop.url .. "/", "redirects are followed")
expect(http.get(shop.url .. "/redirect/3", { redirects = 0 }).status == 302, "or not")
expect(http.get(shop.url .. "/bytes/5000", { discard_body = true }).body == "", "discarded")
expect(#http.get(shop.url .. "/gzip").body > 1000, "decompressed")

local missing = shop.url .. "/status/404"
expect(not http.get(missing).ok, "404 is not expected")
expect(http.get(missing, { expected = 404 }).ok, "unless it is")
expect(http.get(missing, { expected = { 200, "4xx" } }).ok, "by class")
expect(http.get(missing, { expected = "400-405" }).ok, "by range")
expect(not http.get(shop.url .. "/status/200", { expected = "2xx" }).error, "no error")
expect(not http.get(shop.url .. "/status/200", { expected = { 201 } }).ok, "200 may be unexpected")
