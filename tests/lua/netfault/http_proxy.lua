-- Rules of an HTTP proxy: what is meant is hit, all else passes.
local shop = demo.shop {}
local web = netfault.http_proxy { name = "web", upstream = shop.url, mark = true }
expect(web.url == "http://" .. web.listen, web.url)
local get = function(path, options) return http.get(web.url .. path, options) end
expect(get("/items").status == 200, "passes")

-- The first two fail, then all pass.
local retry = inject(web:abort { status = 503, body = "busy", path = "/items", first = 2,
    response_headers = { ["retry-after"] = 1 } }, { name = "busy" })
local first = get("/items")
expect(first.status == 503 and first.body == "busy", first.body)
expect(first.headers["retry-after"] == "1" and first.headers["x-rchaos-fault"] == "busy", "says which")
expect(get("/items/1").status == 200, "another path")
expect(get("/items").status == 503 and get("/items").status == 200, "two and no more")
local met = web:status().faults[1]
expect(met.name == "busy" and met.matched == 3 and met.hit == 2, json.encode(met))
retry:heal()

local slow = inject(web:delay { delay = "120ms", method = { "get", "HEAD" }, path = "/items/**" })
expect(get("/items/1").duration >= 120, "delayed")
slow:heal()

local patch = inject(web:patch { path = "/items/*", status = 206, set_headers = { ["x-cache"] = "stale" },
    replace = { ['"price_cents":'] = '"price_cents":9' } })
local item = get("/items/1")
expect(item.status == 206 and item.headers["x-cache"] == "stale", "patched")
expect(item:json("$.price_cents") >= 90, item.body)
patch:heal()

local reset = inject(web:reset { headers = { ["x-user"] = "bob*" }, query = { page = 2 } })
expect(get("/items", { headers = { ["x-user"] = "bobby" } }).status == 200, "not that page")
expect(get("/items?page=2", { headers = { ["x-user"] = "bobby" } }).status == 0, "that one")
reset:heal()

local half = inject(web:abort { status = 500, toxicity = "0%" })
expect(get("/items").status == 200, "nobody")
half:heal()
web:close()
expect(get("/items").status == 0, "closed")
