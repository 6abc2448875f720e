-- Smoke, load, stress, soak, sustained and burst of the plan, one after the other, each with an error budget of its own;
-- then it is asked whether memory grew. --env SHARE=0.1, 1, 1.5 and 2 are 10, 100, 150 and 200 % of production.
-- --env ONLY=soak,burst takes some. Against one's own: --env BASE_URL=https://… --env METRICS=https://…/metrics
-- flags: --time-scale 0.0015 --env SHARE=0.2

local SHARE = tonumber(env("SHARE", 1))
local function rate(number) return string.format("%.3f/s", number * SHARE) end

local shapes = {
    { name = "smoke", shape = profiles.smoke { rate = rate(5), duration = "5m" }, errors = "rate < 0.1%", p95 = "p(95) < 2s" },
    { name = "load", shape = profiles.load { rate = rate(50), duration = "30m" }, errors = "rate < 0.5%", p95 = "p(95) < 5s" },
    { name = "stress", shape = profiles.stress { rate = rate(100), duration = "10m" }, errors = "rate < 5%", p95 = "p(95) < 15s" },
    { name = "soak", shape = profiles.soak { rate = rate(50), duration = "2h" }, errors = "rate < 0.5%", p95 = "p(95) < 5s" },
    -- An hour with a ramp of 5 min; five minutes with a ramp of 30 s.
    { name = "sustained", errors = "rate < 1%", p95 = "p(95) < 10s", average = 45, shape = { start_rate = "0/s", max_vus = 500, stages = {
        { duration = "5m", target = rate(50) }, { duration = "55m", target = rate(50) } } } },
    { name = "burst", errors = "rate < 2%", p95 = "p(95) < 15s", average = 50, shape = { start_rate = "0/s", max_vus = 500, stages = {
        { duration = "30s", target = rate(100) }, { duration = "270s", target = rate(100) } } } },
}

local only = env("ONLY", "all")
local chosen, thresholds = {}, {}
for _, row in shapes do
    if only == "all" or table.find(string.split(only, ","), row.name) then
        table.insert(chosen, row)
        thresholds[`http_req_failed\{scenario:{row.name}}`] = row.errors
        thresholds[`http_req_duration\{scenario:{row.name}}`] = row.p95
    end
end
-- A rate is of the whole run, and so of a shape that is all of it.
if #chosen == 1 and chosen[1].average then
    thresholds[`http_reqs\{scenario:{chosen[1].name}}`] = `rate > {chosen[1].average * SHARE}/s`
end
options { thresholds = thresholds }

local function memory(url)
    local ok, shown = pcall(prometheus.scrape, url)
    return ok and shown:value("process_resident_memory_bytes") or nil
end

setup(function()
    local url = env("BASE_URL") or demo.shop { store_delay = env("STORE_DELAY", "2ms"), upstream_timeout = "100ms" }.url
    return { url = url, metrics = env("METRICS"), before = env("METRICS") and memory(env("METRICS")) }
end)

for place, row in chosen do
    local options = table.clone(row.shape)
    options.start_after = if place > 1 then chosen[place - 1].name else nil
    options.graceful_stop = "5s"
    scenario(row.name, options, function(vu, session)
        if vu.iteration % 5 == 0 then
            http.post(session.url .. "/orders", { json = { item = vu.iteration % 100 + 1, quantity = 1 }, name = "deploy" })
        else
            http.get(`{session.url}/items/{vu.iteration % 100 + 1}`, { name = "query" })
        end
    end)
end

teardown(function(session)
    if not session.before then return end
    local grown = (memory(session.metrics) or session.before) / session.before
    log.info("memory after all", { times_of_before = grown })
    expect(grown < 1.5, `memory is {grown} times what it was: does it leak?`)
end)
