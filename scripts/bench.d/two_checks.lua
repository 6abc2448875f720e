-- A scripted GET with two checks, 64 users at once.
local url = env("URL")

options { thresholds = { checks = "rate == 100%" } }

scenario("get", {
    executor = "constant-vus", vus = 64, duration = env("SECONDS") .. "s", graceful_stop = "1s",
}, function()
    local res = http.get(url)
    check(res, {
        ["status is 200"] = res.status == 200,
        ["says hello"] = string.find(res.body, "hello", 1, true) ~= nil,
    })
end)
