-- At which rate does the system begin to struggle? Arrivals per second follow straight lines.

options { thresholds = {
    dropped_iterations = "count == 0",
    http_req_duration = "p(95) < 2s",
} }

scenario("morning rush", {
    executor = "ramping-arrival-rate",
    start_rate = "5/s",
    max_vus = 300,
    stages = {
        { duration = "2s", target = "60/s" },
        { duration = "1s", target = "60/s" },
        { duration = "1s", target = "5/s" },
    },
}, function(vu, session)
    http.get(session.url .. "/items", { query = { page = 1 } })
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
