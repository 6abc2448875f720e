-- A metric in many series, a few samples in each.
local sampled = metrics.trend("sampled", { unit = "time" })
local count = tonumber(env("SERIES"))

scenario("series", { executor = "shared-iterations", vus = 1, iterations = 20 }, function()
    for number = 1, count do
        sampled:add(math.random() * 10000, { number = tostring(number) })
    end
    sleep("100ms")
end)
