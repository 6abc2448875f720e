-- exit: 5
-- stdout: ends-the-iteration.lua:4: expectation failed: the basket is full
scenario("one", { vus = 1, iterations = 3 }, function()
    expect(false, "the basket is full")
    metrics.counter("never"):add(1)
end)
