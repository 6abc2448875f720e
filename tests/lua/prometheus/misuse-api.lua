-- exit: 3
-- stderr: write the part before "/api"
prometheus.connect { url = "http://127.0.0.1:9090/api/v1/query" }
