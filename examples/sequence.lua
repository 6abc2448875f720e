-- How do I run scenarios one after the other? start_after takes a scenario's name, or a duration.

options { thresholds = {
    -- No orders before the catalogue is warm: every item comes from the cache then.
    ["checks{check:from the cache}"] = "rate > 95%",
    ["iterations{scenario:late guest}"] = "count == 1",
} }

scenario("warm up", { executor = "per-vu-iterations", iterations = 5 }, function(vu, session)
    http.get(session.url .. "/items/" .. vu.iteration)
end)

scenario("measure", { vus = 3, duration = "2s", start_after = "warm up" }, function(vu, session)
    local item = http.get(session.url .. "/items/" .. math.random(1, 5))
    check(item, { ["from the cache"] = item.headers["x-cache"] == "hit" })
    sleep("50ms")
end)

scenario("late guest", { vus = 1, iterations = 1, start_after = "1s", env = { GUEST = "late" } }, function(vu, session)
    log.info("a guest", { who = env("GUEST"), scenario = vu.scenario })
    http.get(session.url .. "/items")
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
