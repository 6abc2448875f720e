-- exit: 3
-- stderr: metric "http_reqs" is a counter already
prometheus.watch { queries = { http_reqs = "up" } }
