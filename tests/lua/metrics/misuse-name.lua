-- exit: 3
-- stderr: metrics.counter: "my metric" is not a metric name
metrics.counter("my metric")
