-- Users that do nothing but wait.
scenario("idle", {
    executor = "constant-vus", vus = tonumber(env("VUS")), duration = env("SECONDS") .. "s", graceful_stop = "0s",
}, function()
    sleep("10m")
end)
