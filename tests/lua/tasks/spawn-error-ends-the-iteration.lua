-- exit: 5
-- stdout: inner trouble
options { thresholds = { iterations = "count == 1", iteration_duration = "max < 5s" } }
scenario("one", { vus = 1, iterations = 1 }, function()
    spawn(function()
        sleep("10ms")
        error("inner trouble")
    end)
    sleep("20s")
end)
