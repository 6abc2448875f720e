options { thresholds = { ended = "count == 2" } }
local ended = metrics.counter("ended")
scenario("one", { vus = 1, iterations = 2 }, function()
    spawn(function()
        sleep("50ms")
        ended:add(1)
    end)
end)
