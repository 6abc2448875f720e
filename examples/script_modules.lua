-- How do I share code between scripts? require, relative to the requiring file.

local Cart = require("./lib/cart")

options { thresholds = {
    checks = "rate == 100%",
    iteration_errors = "count == 0",
} }

-- Every user has module instances of its own, so state in a module belongs to one user.
scenario("shopping", { executor = "per-vu-iterations", vus = 3, iterations = 3 }, function(vu, session)
    local cart = Cart.new(session.url)
    cart:add(math.random(1, 100), 2)
    cart:add(math.random(1, 100), 1)
    local expected = cart:total()
    if expected == 0 then
        fail("an empty cart cannot be paid")
    end
    local asked = cart:checkout()
    check(asked, { ["the shop asks what the list says"] = asked == expected })
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
