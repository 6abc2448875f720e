-- How do I just try something? A script that declares no scenario is run from top to bottom, once.

local shop = env("BASE_URL") or demo.shop {}.url

local items = http.get(shop .. "/items")
expect("the shop lists items", function() return items.status == 200 and #items:json("$.items") > 0 end)

local first = items:json("$.items[0]")
log.info("the first item", { name = first.name, cents = first.price_cents })

local order = http.post(shop .. "/orders", { json = { item = first.id, quantity = 2 } })
expect(order.status == 201, "the order was refused: " .. order.body)
expect("the total is twice the price", function()
    return order:json("$.total_cents") == 2 * first.price_cents
end)

-- JSON without a request: encode, decode, and a path into a text.
local text = json.encode { order = order:json("$.id"), tags = json.array {} }
expect(json.decode(text).order == order:json("$.id"), "what was encoded is decoded")

-- A refused connection is an answer with an error, not an exception.
local nobody = http.get("http://127.0.0.1:1/")
expect(nobody.status == 0 and nobody.error_code == 1212, "expected a refused connection")
log.info("nobody there", { error = nobody.error })
