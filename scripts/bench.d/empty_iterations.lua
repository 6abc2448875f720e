-- Iterations with nothing in them.
scenario("empty", { executor = "constant-vus", vus = 1, duration = env("SECONDS") .. "s" }, function() end)
