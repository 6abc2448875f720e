-- exit: 3
-- stderr: unknown metric "http_req_durations"; did you mean "http_req_duration"?
metrics.get("http_req_durations")
