-- flags: --duration 1s
-- stdout: constant-arrival-rate
scenario("s", profiles.smoke { rate = "20/s", duration = "10s" }, function() end)
