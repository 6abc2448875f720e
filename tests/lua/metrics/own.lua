options { thresholds = {
    basket = { "count == 4", "max == 30ms", "p(50) <= 20ms" },
    ["basket{kind:big}"] = "min == 30ms",
    orders = "count == 6",
    fill = "value == 7",
    paid = "rate == 50%",
} }
local basket = metrics.trend("basket", { unit = "time" })
local orders = metrics.counter("orders")
local fill = metrics.gauge("fill")
local paid = metrics.rate("paid")
scenario("one", { vus = 1, iterations = 2 }, function()
    basket:add(10)
    basket:add("30ms", { kind = "big" })
    orders:add(2)
    orders:add()
    fill:add(7)
    paid:add(true)
    paid:add(0)
    expect(metrics.counter("orders"), "defined alike it is found again")
end)
