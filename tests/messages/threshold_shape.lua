-- exit: 3
options { thresholds = { http_req_failed = { abort_on_fail = true, dellay = "10s" } } }
scenario("browse", { vus = 1 }, function() end)
