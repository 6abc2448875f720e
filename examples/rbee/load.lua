-- inference (0 to 1000 users in 5 min, 10 min there, 1 min down), stress (100 to 5000 in 12 min, 5 there, 2 down) and
-- spike (100, 2000 within 10 s, 100, 3000), each held to errors below 1 %, p95 500 ms, p99 1000 ms, success above 99 %.
-- --env ONLY=spike takes one; --env SHARE=0.1 a tenth of the users. Against one's own: --env BASE_URL=https://…
-- flags: --time-scale 0.005 --env SHARE=0.01

local SHARE = tonumber(env("SHARE", 1))
local function users(number) return math.max(1, math.floor(number * SHARE)) end

local shapes = {
    { name = "inference", start = 0, stages = { { "5m", 1000 }, { "10m", 1000 }, { "1m", 0 } } },
    { name = "stress", start = 100, stages = { { "12m", 5000 }, { "5m", 5000 }, { "2m", 0 } } },
    { name = "spike", start = 100, stages = { { "10s", 2000 }, { "1m", 2000 }, { "10s", 100 }, { "10s", 3000 }, { "1m", 3000 } } },
}

local only, chosen, thresholds = env("ONLY", "inference,stress,spike"), {}, {}
for _, row in shapes do
    if table.find(string.split(only, ","), row.name) then
        table.insert(chosen, row)
        thresholds[`http_req_failed\{scenario:{row.name}}`] = "rate < 1%"
        thresholds[`http_req_duration\{scenario:{row.name}}`] = { "p(95) < 500ms", "p(99) < 1000ms" }
        thresholds[`checks\{scenario:{row.name}}`] = "rate > 99%"
    end
end
options { thresholds = thresholds }

setup(function() return { url = env("BASE_URL") or demo.shop { store_delay = env("STORE_DELAY", "2ms") }.url } end)

for place, row in chosen do
    local stages = {}
    for number, stage in row.stages do stages[number] = { duration = stage[1], target = users(stage[2]) } end
    scenario(row.name, {
        start_vus = users(row.start), stages = stages, graceful_stop = "5s", graceful_ramp_down = "5s",
        start_after = if place > 1 then chosen[place - 1].name else nil,
    }, function(vu, session)
        local res = http.get(`{session.url}/items/{vu.iteration % 100 + 1}`, { name = "inference" })
        check(res, { answered = res.ok })
        sleep("5s", "20s")
    end)
end
