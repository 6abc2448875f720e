setup(function()
    return demo.shop{}
end)

scenario("one", { vus = 1, iterations = 1 }, function(vu, shop)
    expect(metrics.get("http_reqs") == nil, "no samples yet")
    for _ = 1, 5 do
        http.get(shop.url .. "/items/1")
    end
    local reading = eventually("samples arrive", function()
        return metrics.get("http_req_duration{name:/items/:id}")
    end)
    expect(reading:count() == 5, "count")
    expect(reading:p(95) >= reading:p(50) and reading:min() <= reading:avg(), "in order")
    expect(reading:max() >= reading:med(), "median")
    expect(metrics.get("http_reqs"):sum() == 5, "sum")
    expect(metrics.get("http_req_failed"):rate() == 0, "rate")
    expect(metrics.get("http_reqs{name:/nowhere}") == nil, "nothing matches")

    eventually("a window", function()
        http.get(shop.url .. "/items/1")
        return metrics.get("http_reqs", { window = "5s" })
    end, { within = "20s" })
end)
