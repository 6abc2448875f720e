-- exit: 3
-- Every problem of a script is reported at once.
options {
    cpu_limti = "1s",
    thresholds = { http_reqs = "coutn > 1", http_req_durations = "p(95) < 300ms" },
}
scenario("browse", { vus = 0, duration = 10 }, function() end)
scenario("order", { rate = 5, duration = "1s" }, function() end)
scenario("pay", { vus = 1, start_after = "ordre" }, function() end)
