-- What does the system say about itself? A target's own metrics, and a Prometheus if there is one:
-- rchaos run examples/prometheus.lua --env PROMETHEUS_URL=http://127.0.0.1:9090

local DURATION = "http_request_duration_seconds"

options { thresholds = { checks = "rate == 100%", served_by_target = "value > 0" } }

local served = metrics.gauge("served_by_target")

scenario("visitors", { executor = "constant-vus", vus = 4, duration = "2s" }, function(_, session)
    http.get(session.url .. "/items/" .. math.random(1, 20))
    sleep("20ms", "60ms")
end)

-- One more user looks at the target's side of it, without a server: /metrics, in text.
scenario("observer", { vus = 1, iterations = 4 }, function(_, session)
    sleep("400ms")
    local own = prometheus.scrape(session.url)
    local total = own:value("http_requests_total", { route = "/items/:id", status = 200 })
    local p95 = own:quantile(0.95, DURATION, { route = "/items/:id" })
    served:add(total or 0)
    check(own, {
        ["it served visitors"] = (total or 0) > 0,
        ["it was fast by its own clock"] = (p95 or math.huge) < 0.5, -- seconds, as the metric has them
        ["no queue builds up"] = own:value("queue_depth") < 50,
        ["its store is well"] = own:value("store_errors_total") == 0,
    })
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)

-- With a Prometheus: are its targets up, is an alert firing, what was the load of the last minutes?
teardown(function()
    if not env("PROMETHEUS_URL") then
        return
    end
    for _, target in prometheus.targets { state = "down" } do
        log.warn(`{target.job} {target.instance} is down: {target.last_error}`)
    end
    for _, alert in prometheus.alerts { state = "firing" } do
        log.warn(`{alert.name} fires since {alert.active_at}`)
    end
    log.info(`targets that are up: {prometheus.scalar("sum(up)") or 0}`)
    for _, series in prometheus.range("sum(rate(prometheus_http_requests_total[1m]))", { last = "5m", step = "1m" }) do
        for _, point in series.points do
            log.info(`{(now() - point.at) // 60000} min ago: {point.value} requests/s`)
        end
    end
end)
