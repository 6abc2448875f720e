-- How do I slice the figures by step, by route or by release? Groups, names and tags.

options {
    tags = { release = "2026.11" }, -- on every sample of the run; --tag KEY=VALUE adds more
    thresholds = {
        ["group_duration{group:checkout}"] = "p(95) < 4s",
        ["group_duration{group:checkout::pay}"] = "p(95) < 2s",
        ["http_req_duration{route:item}"] = "p(95) < 2s",
        ["http_req_duration{name:/orders}"] = "p(95) < 2s",
        ["http_reqs{region:north}"] = "count > 0",
    },
}

local function journey(vu, session)
    group("browse", function()
        -- A tag of your own on this request's samples only.
        http.get(session.url .. "/items/" .. math.random(1, 100), { tags = { route = "item" } })
    end)
    group("checkout", function()
        -- The tag `name` is the path with numbers collapsed; `name` sets another.
        http.get(session.url .. "/items/" .. math.random(1, 100), { name = "/items/chosen" })
        group("pay", function()
            local order = http.post(session.url .. "/orders", { json = { item = 1, quantity = 1 } })
            check(order, { ["paid"] = order.status == 201 })
        end)
    end)
end

-- The same journey twice, told apart by the scenario's tags; env reaches env("REGION") there.
scenario("north", { executor = "per-vu-iterations", vus = 2, iterations = 5, tags = { region = "north" } }, journey)
scenario("south", { executor = "per-vu-iterations", vus = 2, iterations = 5, tags = { region = "south" } }, journey)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
