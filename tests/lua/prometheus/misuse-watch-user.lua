-- exit: 3
-- stderr: prometheus.watch: every user would watch; call it once, in setup
scenario("s", { iterations = 1 }, function() prometheus.watch { queries = { up = "up" } } end)
