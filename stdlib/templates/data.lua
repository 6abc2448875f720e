-- Users with data of their own: each row of the file is used by one user only.
-- The file is read once, shared by all users, and read-only; its path is relative to this script.
local users = data.csv("@DATA@")

options { thresholds = {
    checks = "rate == 100%",
    http_req_failed = "rate < 1%",
} }

-- Without BASE_URL, a demo shop is started on a free port of this machine.
setup(function()
    log.info("data", { users = #users })
    return { url = env("BASE_URL") or demo.shop {}.url }
end)

-- next() gives every row out once in the whole run; random() would draw from all of them.
scenario("each row once", { executor = "shared-iterations", vus = 4, iterations = #users }, function(vu, session)
    local user = users:next()
    local order = http.post(session.url .. "/orders", {
        json = { item = tonumber(user.item), quantity = tonumber(user.quantity) },
        headers = { ["x-customer"] = user.name },
    })
    check(order, { ["the order is accepted"] = order.status == 201 })
end)
