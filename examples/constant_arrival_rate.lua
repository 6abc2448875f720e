-- Does the system hold a given rate? An open model: arrivals keep their schedule however slow the
-- answers are, and one that finds no free user is counted in dropped_iterations, never forgotten.

options { thresholds = {
    dropped_iterations = "count == 0",
    iterations = "rate > 25/s",
    iteration_lag = "p(95) < 1s", -- how late iterations started: the generator's own share of delay
    http_req_duration = "p(95) < 2s",
} }

scenario("steady stream", {
    executor = "constant-arrival-rate",
    rate = "50/s",
    duration = "3s",
    max_vus = 200, -- the most users at once; they are made when needed
}, function(vu, session)
    http.get(session.url .. "/items/" .. math.random(1, 100))
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
