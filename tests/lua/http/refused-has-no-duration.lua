-- exit: 5
-- stdout: no data
options { thresholds = { http_req_duration = "p(95) < 200ms" } }
scenario("dead target", { vus = 1, iterations = 3 }, function()
    http.get("http://127.0.0.1:1/")
end)
