-- exit: 3
-- stderr: prometheus.connect: option `url`: "127.0.0.1:9090" is not
prometheus.connect { url = "127.0.0.1:9090" }
