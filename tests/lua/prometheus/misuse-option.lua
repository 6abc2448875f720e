-- exit: 3
-- stderr: misuse-option.lua:3: prometheus.connect: unknown option `urls`; did you mean `url`?
prometheus.connect { urls = "http://127.0.0.1:9090" }
