local res = http.get("http://127.0.0.1:1/")
expect(res.status == 0 and not res.ok, "no status")
expect(res.error_code == 1212, "refused")
expect(string.find(res.error, "connection refused", 1, true), res.error)
expect(res.body == "" and next(res.headers) == nil, "no body, no headers")
expect(res.remote_address == nil, "no address")
local value, reason = res:json("$.a")
expect(value == nil and reason == "the body is empty", "json of nothing")

local shop = demo.shop{}
local start = now()
res = http.get(shop.url .. "/slow?ms=20000", { timeout = "100ms" })
expect(res.error_code == 1050, "timeout")
expect(now() - start < 5000, "the timeout holds")

value, reason = http.get(shop.url .. "/"):json()
expect(value == nil and string.find(reason, "invalid JSON", 1, true), "not JSON")
