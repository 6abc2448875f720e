-- exit: 3
-- stderr: scrape:quantile: the quantile is a number from 0 to 1
prometheus.scrape(demo.shop {}.url):quantile(95, "http_request_duration_seconds")
