-- How do users get data of their own? Files are read once, shared by all users, and read-only.

local users = data.csv("data/users.csv") -- paths are relative to this file
local searches = data.lines("data/searches.txt")
local regions = data.json("data/regions.json")

options { thresholds = {
    checks = "rate == 100%",
    ["checks{check:the order is accepted}"] = "rate == 100%",
} }

-- next() gives every row to one user of the process only, so nobody orders twice.
scenario("each row once", { executor = "shared-iterations", vus = 4, iterations = #users }, function(vu, session)
    local user = users:next()
    local order = http.post(session.url .. "/orders", {
        json = { item = tonumber(user.item), quantity = tonumber(user.quantity) },
        headers = { ["x-customer"] = user.name },
    })
    check(order, { ["the order is accepted"] = order.status == 201 })
end)

-- random() draws from the run's seed: --seed repeats the choices.
scenario("random rows", { executor = "per-vu-iterations", vus = 3, iterations = 5 }, function(vu, session)
    local words = searches:random()
    local echo = http.post(session.url .. "/echo", {
        form = { q = words, currency = regions.north.currency },
    })
    check(echo, { ["the search arrived"] = string.find(echo.body, "currency=EUR", 1, true) ~= nil })
end)

setup(function()
    log.info("data", { users = #users, searches = #searches })
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
