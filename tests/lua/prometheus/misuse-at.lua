-- exit: 3
-- stderr: prometheus.scalar: option `at`: 1700000000 is not in milliseconds since 1970; write now() - 60000
prometheus.scalar("up", { at = 1700000000 })
