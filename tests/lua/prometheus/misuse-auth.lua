-- exit: 3
-- stderr: prometheus.connect: option `auth`: exactly one kind is needed
prometheus.connect { auth = { basic = { "a", "b" }, bearer = "c" } }
