-- A script without scenarios is run from top to bottom, once: to try something, or as a smoke test.
-- Against a system of your own: rchaos run FILE --env BASE_URL=http://127.0.0.1:8080

local shop = env("BASE_URL") or demo.shop {}.url

-- What does not hold ends the run with exit code 5.
local items = http.get(shop .. "/items")
expect("the shop lists items", function() return items.status == 200 and #items:json("$.items") > 0 end)

local first = items:json("$.items[0]")
log.info("the first item", { name = first.name, cents = first.price_cents })

local order = http.post(shop .. "/orders", { json = { item = first.id, quantity = 2 } })
expect(order.status == 201, "the order was refused: " .. (order.error or order.body))
log.info("ordered", { total = order:json("$.total_cents") })
