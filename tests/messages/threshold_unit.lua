-- exit: 3
options { thresholds = { http_req_duration = "p(95) < 300KB" } }
scenario("browse", { vus = 1 }, function() end)
