options { thresholds = {
    ["http_reqs{name:/items/:id,method:GET,status:200}"] = "count == 6",
    ["http_reqs{route:custom}"] = "count == 2",
    ["http_reqs{name:chosen}"] = "count == 2",
    ["http_req_failed{name:/status/:id}"] = "rate == 100%",
    ["http_req_failed{name:/items/:id}"] = "rate == 0%",
    ["http_reqs{error_code:1404,status:404}"] = "count == 2",
    ["http_req_duration{scenario:one}"] = "count > 0",
    ["http_req_total{name:/items/:id}"] = "max < 10s",
    ["http_reqs{group:outer::inner}"] = "count == 2",
    data_received = "count > 100B",
} }

setup(function()
    return demo.shop{}
end)

scenario("one", { vus = 1, iterations = 2 }, function(vu, shop)
    http.get(shop.url .. "/items/1")
    http.get(shop.url .. "/items/2?x=1", { tags = { route = "custom" } })
    http.get(shop.url .. "/items/3")
    http.get(shop.url .. "/health", { name = "chosen" })
    http.get(shop.url .. "/status/404")
    group("outer", function()
        group("inner", function()
            http.get(shop.url .. "/health")
        end)
    end)
end)
