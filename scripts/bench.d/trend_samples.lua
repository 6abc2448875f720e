-- Samples of one distribution, over a wide range.
local sampled = metrics.trend("sampled", { unit = "time" })

scenario("samples", {
    executor = "shared-iterations", vus = 1, iterations = tonumber(env("SAMPLES")) / 1000,
}, function()
    for _ = 1, 1000 do
        sampled:add(math.random() * 10000)
    end
end)
