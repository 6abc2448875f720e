-- exit: 3
-- stderr: prometheus.wait_clear: unknown option `state`
prometheus.wait_clear("X", { state = "firing" })
