-- Do my clients retry, and no more often than they should? The first two requests fail, then all pass.

-- A client as it should be: it tries again after an error of the server, at most three times in all.
local function order(url)
    local answer
    for attempt = 1, 3 do
        answer = http.post(url .. "/orders", { json = { item = 1, quantity = 1 }, name = "order" })
        if answer.status > 0 and answer.status < 500 then return answer, attempt end
        sleep((tonumber(answer.headers["retry-after"]) or 0.05) .. "s")
    end
    return answer, 3
end

local shop = env("BASE_URL") or demo.shop {}.url
local web = netfault.http_proxy { name = "web", upstream = shop, mark = true }

-- Only orders, and only the first two of them; everything else passes.
local busy = inject(web:abort {
    method = "POST", path = "/orders", first = 2,
    status = 503, body = "busy", response_headers = { ["retry-after"] = "0.05" },
}, { name = "busy", must_hit = true })

local answer, attempts = order(web.url)
expect("the order is accepted", function() return answer.status == 201 end)
expect("at the third attempt", function() return attempts == 3 end)
expect("the next one at the first", function() return select(2, order(web.url)) == 1 end)
busy:heal()

-- A connection that breaks in the middle of an answer is worth a try as well.
inject(web:reset { path = "/orders", first = 1, after = "10B" }, { name = "broken answer" })
answer, attempts = order(web.url)
expect("accepted after a broken answer", function() return answer.status == 201 and attempts == 2 end)

-- The proxy says which fault hit a request, so that a log can tell injected errors from real ones.
inject(web:delay { delay = "50ms", path = "/items/**" }, { name = "slow items" })
local item = http.get(web.url .. "/items/1")
expect("the answer names its fault", function() return item.headers["x-rchaos-fault"] == "slow items" end)
