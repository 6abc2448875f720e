-- A live fault gets other settings while connections are open: they feel it, and keep what was counted.
local shop = demo.shop {}
local web = netfault.proxy { name = "web", upstream = shop.address }
local client = http.client { base_url = "http://" .. web.listen }

local function took()
    local res = client:get("/items")
    expect(res.status == 200, "through the proxy: " .. tostring(res.error))
    return res.timings.total
end

took()
local slow = inject(web:latency { delay = "400ms" }, { name = "slow" })
expect(took() >= 400, "slow")
slow:update(web:latency { delay = "50ms" })
expect(slow.active and slow.name == "slow", "it is the same fault")
local now_took = took()
expect(now_took >= 50 and now_took < 350, "less slow: " .. now_took)
slow:update(web:latency { delay = "400ms", toxicity = "0%" })
expect(took() < 350, "drawn for nobody")
local status = web:status()
expect(status.connections == 1, "one connection throughout: " .. status.connections)
expect(#status.faults == 1 and status.faults[1].name == "slow", json.encode(status))

-- Requests of an HTTP proxy.
local front = netfault.http_proxy { name = "front", upstream = shop.url }
local bad = inject(front:abort { status = 503 }, { name = "bad" })
expect(http.get(front.url .. "/items").status == 503, "refused")
bad:update(front:abort { status = 429, path = "/items/*" })
expect(http.get(front.url .. "/items").status == 200, "not meant any more")
expect(http.get(front.url .. "/items/1").status == 429, "refused otherwise")
expect(front:status().faults[1].hit == 2, "counted on")

-- What does not fit changes nothing.
local function refused(fault, change, text)
    local ok, why = pcall(function() fault:update(change) end)
    expect(not ok and tostring(why):find(text, 1, true), text .. ", got " .. tostring(why))
end
local other = netfault.proxy { name = "other", upstream = shop.address }
slow:heal()
refused(slow, web:latency { delay = "1s" }, "\"slow\" is not live any more")
expect(took() < 350, "healed stays healed")
