options { thresholds = {
    ["http_reqs{error_code:1051}"] = "count == 1",
    ["http_req_failed{error_code:1051}"] = "rate == 100%",
    ["http_req_duration{error_code:1051}"] = "min > 300ms",
} }
setup(function()
    return demo.shop{}
end)
scenario("hung", { executor = "constant-vus", vus = 1, duration = "500ms", graceful_stop = "0s" }, function(vu, shop)
    http.get(shop.url .. "/slow?ms=20000")
end)
