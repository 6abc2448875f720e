-- How do I prepare a run and clean up after it? setup runs once before, teardown once after.

options {
    setup_timeout = "20s",
    teardown_timeout = "20s",
    thresholds = { checks = "rate == 100%" },
}

setup(function()
    local url = env("BASE_URL") or demo.shop {}.url
    -- A system that is still starting gets some time.
    eventually("the shop is up", function()
        return http.get(url .. "/health").status == 200
    end, { within = "20s", every = "100ms" })
    local order = http.post(url .. "/orders", { json = { item = 1, quantity = 1 } })
    -- What setup returns is copied, as JSON, into every user as the second argument: read-only there.
    return { url = url, order = order:json("$.id"), run = uuid() }
end)

scenario("watch one order", { executor = "per-vu-iterations", vus = 3, iterations = 4 }, function(vu, session)
    local order = http.get(session.url .. "/orders/" .. session.order, {
        headers = { ["x-run"] = session.run },
    })
    check(order, { ["the order is there"] = order:json("$.id") == session.order })
end)

-- Runs also when the run was cut short. An error here, as in setup, ends with exit code 3.
teardown(function(session)
    local health = http.get(session.url .. "/health")
    log.info("after the run", { status = health.status })
end)
