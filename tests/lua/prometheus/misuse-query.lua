-- exit: 3
-- stderr: prometheus.scalar: the query: expected a string, got nil
pcall(prometheus.scalar)
