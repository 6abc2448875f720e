-- The demo shop's price list, in cents.
local prices = {}

function prices.of(item)
    return 499 + item * 737 % 9500
end

return prices
