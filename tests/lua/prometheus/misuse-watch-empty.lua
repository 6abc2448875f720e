-- exit: 3
-- stderr: prometheus.watch: option `queries`: it has 0 queries; write 1 to 50
prometheus.watch { queries = {} }
