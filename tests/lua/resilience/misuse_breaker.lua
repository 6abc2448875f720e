-- exit: 3
-- stderr: resilience.breaker: unknown option "metric"; the options are metrics, read, name, labels
resilience.breaker { read = function() return 0 end, metric = "state" }
