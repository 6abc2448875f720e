local shop = demo.shop { items = 5 }
for i = 1, 4 do http.get(shop.url .. "/items/" .. i) end
http.get(shop.url .. "/items/99")

local own = prometheus.scrape(shop.url .. "/metrics")
local duration = "http_request_duration_seconds"
expect(own:value("http_requests_total", { route = "/items/:id", status = 200 }) == 4, "one series")
expect(own:value("queue_depth") == 0, "without labels")
expect(own:value("no_such_metric") == nil and own:value("queue_depth", { a = "b" }) == nil, "nothing is nil")
local ok, several = pcall(own.value, own, "http_requests_total")
expect(not ok and tostring(several):find("2 series match; name more labels, or use all", 1, true), several)

local all = own:all("http_requests_total", { route = "/items/:id" })
expect(#all == 2 and all[1].labels.status == "200" and all[1].value == 4 and all[1].at == nil, "all")
expect(#own:all("no_such_metric") == 0, "none")
expect(table.find(own:names(), "queue_depth") and table.find(own:names(), duration .. "_bucket"), "names")

local histogram = own:histogram(duration, { route = "/items/:id" })
expect(histogram.count == 5 and histogram.sum > 0, "count and sum")
expect(#histogram.buckets == 13 and histogram.buckets[13].le == math.huge, "buckets")
expect(histogram.buckets[1].le == 0.0005 and histogram.buckets[13].count == 5, "cumulative")
expect(own:histogram("no_such_metric") == nil, "no histogram")
local p50, p95 = own:quantile(0.5, duration), own:quantile(0.95, duration)
expect(p50 > 0 and p95 >= p50 and p95 <= 2.5, "quantiles")
expect(own:quantile(0.5, "no_such_metric") == nil, "no quantile")

-- What was read stays as it was.
http.get(shop.url .. "/items/1")
expect(own:value("http_requests_total", { route = "/items/:id", status = 200 }) == 4, "as it was")
local bare = prometheus.scrape(shop.url)
expect(bare:value("http_requests_total", { route = "/items/:id", status = 200 }) == 5, "/metrics is added")

local reading = metrics.get("http_reqs")
expect(reading == nil or reading:count() <= 6, "scrapes are not part of the load")
