-- exit: 3
-- stderr: prometheus.scalar: scenario is declared already
scenario("x", { iterations = 1 }, function() end)
prometheus.scalar("up")
