-- exit: 3
-- stderr: prometheus.range: option `step`: it gives more than 11000 points
prometheus.range("up", { last = "7d", step = "1s" })
