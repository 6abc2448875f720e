-- exit: 3
-- stderr: prometheus.wait_alert: option `state`: "fireing" is none; did you mean "firing"?
prometheus.wait_alert("X", { state = "fireing" })
