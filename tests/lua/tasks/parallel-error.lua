-- exit: 5
-- stdout: first trouble
options { thresholds = { iteration_duration = "max < 5s" } }
scenario("one", { vus = 1, iterations = 1 }, function()
    parallel {
        function()
            sleep("20s")
        end,
        function()
            sleep("10ms")
            error("first trouble")
        end,
    }
end)
