-- Nobody answers where Grafana is said to be.
-- exit: 3
-- stderr: dashboards.fetch: http://127.0.0.1:9
dashboards.fetch { url = "http://127.0.0.1:9", uid = "x" }
