-- Arrivals at a constant rate, with nothing to do.
scenario("arrivals", {
    executor = "constant-arrival-rate", rate = env("RATE") .. "/s", duration = env("SECONDS") .. "s", max_vus = 200,
}, function() end)
