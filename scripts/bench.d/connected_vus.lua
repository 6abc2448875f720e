-- Users that made one request and hold their connection.
local url = env("URL")

scenario("connected", {
    executor = "constant-vus", vus = tonumber(env("VUS")), duration = env("SECONDS") .. "s", graceful_stop = "0s",
}, function()
    http.get(url)
    sleep("10m")
end)
