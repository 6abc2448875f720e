-- A cart: what one user has chosen so far.
local prices = require("./prices") -- relative to this file

local Cart = {}
Cart.__index = Cart

function Cart.new(url)
    return setmetatable({ url = url, lines = {} }, Cart)
end

function Cart:add(item, quantity)
    table.insert(self.lines, { item = item, quantity = quantity })
end

function Cart:total()
    local total = 0
    for _, line in self.lines do
        total += prices.of(line.item) * line.quantity
    end
    return total
end

-- Orders every line; returns the sum that the shop asks, in cents.
function Cart:checkout()
    local asked = 0
    for _, line in self.lines do
        local order = http.post(self.url .. "/orders", { json = line })
        if order.status ~= 201 then
            fail(`the shop refused item {line.item}: {order.status} {order.body}`)
        end
        asked += order:json("$.total_cents")
    end
    self.lines = {}
    return asked
end

return Cart
