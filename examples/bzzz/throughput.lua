-- TC-15: does the store take 100 writes and 500 reads a second, and 80 reads to 20 writes mixed? --env SHARE=1 asks for
-- that; by default a tenth of the rates, which says nothing of a cluster beyond that it keeps up.
-- flags: --time-scale 0.05
-- needs: etcd

local standins = require("../lib/standins")
local SHARE = tonumber(env("SHARE", 0.1))
local cluster

setup(function()
    cluster = env("ETCD") and etcd.cluster { members = string.split(env("ETCD"), ",") }
        or (standins.etcd { port = standins.ports(20900) })
    for number = 1, 20 do cluster:put(`key/{number}`, "value") end
end)

local function put(number) return cluster:put(`key/{number % 20 + 1}`, `value {number}`) end
local function get(number) return cluster:get(`key/{number % 20 + 1}`) ~= nil end
local function mixed(number) return if number % 5 == 0 then put(number) else get(number) end

local rows = {
    { name = "writes", rate = 100, call = put },
    { name = "reads", rate = 500, call = get },
    { name = "80/20", rate = 300, call = mixed },
}

for _, row in rows do
    experiment(`TC-15 {row.name}`, function(x)
        x:steady_state("there is a leader", { settle = "10s" }, function(probe) probe:fn("leader", function() return cluster:leader() end, { within = "5s" }) end)
        local figures = trial.burst({ rate = row.rate * SHARE * tonumber(env("FACTOR", 1)), duration = "60s" }, row.call)
        log.info(row.name, { per_second = math.floor(figures.rate), p95_ms = math.floor(figures.p95), errors = figures.errors })
        x:expect("the rate is reached", function() return figures.rate >= row.rate * SHARE * 0.9 end, `{figures.rate} per second`)
        x:expect("errors below 1 %", function() return figures.errors < 0.01 end)
    end)
end
