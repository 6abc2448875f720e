local shop = demo.shop{}
local start = now()
local res = http.batch {
    slow = { "GET", shop.url .. "/slow?ms=300" },
    also = { method = "GET", url = shop.url .. "/slow?ms=300" },
    echo = { "POST", shop.url .. "/echo", { body = "hi" } },
    plain = shop.url .. "/health",
    dead = "http://127.0.0.1:1/",
}
expect(now() - start < 590, "at once")
expect(res.slow.ok and res.also.ok and res.plain.ok, "named")
expect(res.echo.body == "hi", "with options")
expect(res.dead.error_code == 1212, "failure is data here too")

local urls = {}
for n = 1, 40 do
    urls[n] = shop.url .. "/items/" .. n
end
local all = http.batch(urls)
expect(#all == 40, "all of them")
for n = 1, 40 do
    expect(all[n]:json("$.id") == n, "in order")
end
expect(next(http.batch {}) == nil, "an empty batch")
