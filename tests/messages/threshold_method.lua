-- exit: 3
options { thresholds = { http_req_duration = "median < 300ms" } }
scenario("browse", { vus = 1 }, function() end)
