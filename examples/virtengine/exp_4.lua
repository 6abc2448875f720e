-- needs: root, netns, postgres, python3
-- Exp-4: what becomes of a service when its database's port is blocked? PostgreSQL in a network of its own, and a small service
-- in front of it. Reads must be answered from the cache, writes be kept and told to the database later, fewer than 5 % of
-- the requests may fail, and afterwards everything that was accepted must be there. In the plan it is blocked for 5 min:
--   rchaos run examples/virtengine/exp_4.lua --env HOLD=5m

local HOLD = env("HOLD", "5s")
local USER = "postgres"

options { thresholds = {
    ["http_req_failed{scenario:shoppers}"] = "rate < 5%",
    ["checks{check:answered}"] = "rate > 95%",
} }

-- Debian keeps the server's programs out of the path.
local SERVER = [[
export PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
initdb --pgdata "$data/db" --auth trust --username "$1" --no-sync >/dev/null
echo "host all all 0.0.0.0/0 trust" >> "$data/db/pg_hba.conf"
postgres -D "$data/db" -c listen_addresses="$2" -c port=5432 -c unix_socket_directories="$data" -c fsync=off &
server=$!
trap 'kill -INT $server' TERM INT
wait $server
wait $server
]]

setup(function()
    local net = netfault.network { hosts = { "rc-exp4-db" }, subnet = "10.68.4.0/24" }
    local database = net.hosts[1]
    process.spawn {
        name = "database",
        cmd = { "sh", "-c", SERVER, "sh", USER, database.address },
        user = USER,
        cwd = "/tmp",
        namespace = database,
        ready = { log = "database system is ready", within = "40s" },
    }
    process.spawn {
        name = "orders",
        cmd = { "python3", "../lib/orders.py", "127.0.0.1", "18098", database.address, "5432", USER },
        ready = { log = "ready", within = "20s" },
    }
    return { url = "http://127.0.0.1:18098" }
end)

scenario("shoppers", { rate = "20/s", duration = "12h", max_vus = 50 }, function(vu, shop)
    local res
    if vu.iteration % 4 == 0 then
        local id = vu.id * 1000000 + vu.iteration
        res = http.post(shop.url .. "/orders", { json = { id = id }, timeout = "3s", name = "order" })
    else
        res = http.get(shop.url .. "/orders", { timeout = "3s", name = "list" })
    end
    check(res, { answered = res.status == 200 or res.status == 202 })
end)

experiment("a blocked database port", function(x, shop)
    local function cache() return http.get(shop.url .. "/orders", { timeout = "3s" }).headers["x-cache"] end
    local function pending() return http.get(shop.url .. "/health"):json("$.pending") end
    x:steady_state("orders are listed", function(probe)
        probe:http("list", shop.url .. "/orders", { status = 200, within = "3s" })
    end)
    x:expect("the database is asked", function() return cache() == "miss" end)
    x:load("shoppers")
    x:sleep("1s")

    x:step("block the port", function(s)
        local way = { port = 5432, protocol = "tcp", direction = "both" }
        s:inject(netfault.blackhole(netfault.namespace("rc-exp4-db"), way), { name = "blocked port", ttl = "10m", must_hit = true })
        s:eventually("answers come from the cache", function() return cache() == "stale" end, { within = "10s" })
        s:sleep(HOLD)
        s:expect("they still do", function() return cache() == "stale" end)
        s:eventually("writes wait", function() return pending() > 0 end, { within = "10s" })
    end)

    local took = x:recovers { within = "45s", stable_for = "1s" }
    x:step("the database knows all", function(s)
        s:eventually("no write waits", function() return pending() < 3 end, { within = "30s" })
        s:eventually("answers are fresh", function() return cache() == "miss" end, { within = "10s" })
        log.info("recovered", { after_ms = math.round(took) })
    end)
end)
