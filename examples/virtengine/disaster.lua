-- DR-1 to DR-3: a site is lost (back within 15 min, less than a minute of writes lost); data is corrupted, restored and
-- what came after the backup replayed (2 h); all is built again (4 h). --env FAULT=no_failover, no_replay, lost_row are
-- what these drills are to find.
-- flags: --time-scale 0.02
-- needs: postgres, psql, redis-server, redis-cli

local standins = require("../lib/standins")
local port = standins.ports(22300)
local MINUTE = 60 * 1000
local fault = env("FAULT", "none")
local site, standby, db, folder, remove
-- What was lost, as time before the loss; suites are judged by it.
local rpo = metrics.trend("rpo", { unit = "time" })

setup(function()
    folder, remove = standins.folder()
    site, standby = standins.redis { port = port }, standins.redis { port = port + 1 }
    standby:command("REPLICAOF", "127.0.0.1", port)
    eventually("the standby follows", function()
        return (standby:info("replication") or {}).master_link_status == "up"
    end, { within = "30s" })
    db = standins.postgres { port = port + 2 }
end)
teardown(function() if remove then remove() end end)

local function must(sql)
    local ok, problem = db:execute(sql)
    expect(ok, problem)
end

experiment("DR-1 a site is lost", function(x)
    x:steady_state("somebody answers", { settle = "10s" }, function(probe) probe:fn("ping", function() return site:up() or standby:up() end, { within = "5s" }) end)
    local active = site
    local times = {}
    local ledger = integrity.ledger():begin({ every = "2s" }, function(key, value)
        times[key] = now()
        return active:command("SET", key, value) == "OK"
    end)
    x:sleep("60s")
    local lost_at, back
    x:step("lost", function(s)
        s:inject(process.find { port = port, name = "redis-server" }:kill("SIGKILL"), { name = "site" })
        lost_at = now()
        if fault ~= "no_failover" then
            standby:command("REPLICAOF", "NO", "ONE")
            active = standby
        end
        s:eventually("the other site takes writes", function() return active:command("SET", "canary", "1") == "OK" end, { within = env("WITHIN", "60s") })
        back = now() - lost_at
        s:sleep("60s")
    end)
    ledger:stop()
    local result = ledger:compare(function(key) return active:command("GET", key) end)
    local oldest = 0
    for key in result.lost do oldest = math.max(oldest, lost_at - times[key]) end
    log.info("site lost", { back_after_ms = math.floor(back), lost_ms = math.floor(oldest) })
    rpo:add(oldest)
    x:expect("back within 15 min", function() return back < 15 * MINUTE end)
    x:expect("less than a minute of writes is lost", function() return oldest < MINUTE and result.found > 0 end)
end)

experiment("DR-2 data is corrupted", function(x)
    x:steady_state("the database answers", { settle = "10s" }, function(probe) probe:fn("select", function() return db:value("select 1") == "1" end, { within = "5s" }) end)
    must("create table ledger (id int primary key, amount int); insert into ledger select n, n * 3 from generate_series(1, 1000) n")
    db:dump(folder .. "/backup")
    -- What came after the backup is in a journal, as it is with a queue or an archive of the log.
    local journal = {}
    for number = 1001, 1050 do
        table.insert(journal, `insert into ledger values ({number}, {number * 3})`)
        must(journal[#journal])
    end
    local good, begun = db:state(), now()
    x:step("corrupted", function(s)
        must("update ledger set amount = 0 where id % 10 = 0")
        s:expect("it is detected", function() return #integrity.differences(good, db:state()) > 0 end)
        must("drop table ledger")
        db:restore(folder .. "/backup")
        if fault ~= "no_replay" then must(table.concat(journal, ";")) end
        if fault == "lost_row" then must("delete from ledger where id = 500") end
        local differs = integrity.differences(good, db:state())
        s:expect("restored and replayed", function() return #differs == 0 end, table.concat(differs, "; "))
    end)
    x:expect("within 2 h", function() return now() - begun < 120 * MINUTE end)
    log.info("corruption mended", { after_ms = math.floor(now() - begun) })
end)

experiment("DR-3 all is built again", function(x)
    x:steady_state("the database answers", { settle = "10s" }, function(probe) probe:fn("select", function() return db:value("select 1") == "1" end, { within = "5s" }) end)
    local report = integrity.drill {
        backup = function() db:dump(folder .. "/all") end,
        lose = function() inject(process.find { port = port + 2, name = "postgres" }:kill("SIGKILL"), { name = "database" }) end,
        restore = function()
            local new = standins.postgres { port = port + 3 }
            new:restore(folder .. "/all")
            db = new
        end,
        state = function() return db:state() end,
        rto = 240 * MINUTE,
    }
    log.info("built again", { after_ms = math.floor(report.downtime) })
end)
