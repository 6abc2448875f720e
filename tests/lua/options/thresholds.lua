-- exit: 5
-- stdout: iterations
options { thresholds = { iterations = { "count == 3", "count > 3" } }, tags = { night = "yes" } }
scenario("s", { vus = 1, iterations = 3 }, function() end)
