-- exit: 3
-- stderr: metrics.counter: define "late" at the top level of the script
scenario("one", { vus = 1, iterations = 1 }, function()
    metrics.counter("late"):add(1)
end)
