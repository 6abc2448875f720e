-- exit: 3
-- stderr: resilience.breaker: say where it shows its state: { metrics = "http://…/metrics" }, or { read = function }
resilience.breaker {}
