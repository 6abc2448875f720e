-- restore: back up, a fresh environment, restore, verify checksums and counts, run canary flows; with durations, gaps and
-- the evidence in the log and the summary. --env LOSE=redis or LOSE=row is a backup that misses something.
-- needs: postgres, psql, redis-server, redis-cli

local standins = require("../lib/standins")
local port = standins.ports(24700)
local folder, remove, db, cache, fresh

setup(function()
    folder, remove = standins.folder()
    db, cache = standins.postgres { port = port }, standins.redis { port = port + 3 }
end)
teardown(function() if remove then remove() end end)

local function state()
    local at = fresh or { db = db, cache = cache }
    return { postgres = at.db:state(), redis = at.cache:state(), schema = at.db:value("select count(*) from information_schema.columns where table_schema = 'public'") }
end

experiment("restore: a fresh environment from the backup", function(x)
    x:steady_state("the source answers", { settle = "10s" }, function(probe)
        probe:fn("postgres", function() return db:value("select 1") == "1" end, { within = "5s" })
        probe:fn("redis", function() return cache:up() end, { within = "5s" })
    end)
    local rows
    local report = integrity.drill {
        create = function()
            db:execute("create table samples (id int primary key, body jsonb); insert into samples select n, jsonb_build_object('n', n) from generate_series(1, 3000) n")
            local lines = {}
            for number = 1, 200 do lines[number] = `SET limit:{number} {number * 3}` end
            cache:pipe(lines)
        end,
        backup = function()
            db:dump(folder .. "/postgres")
            rows = {}
            local values = cache:pipe((function() local asks = {} for number = 1, 200 do asks[number] = `GET limit:{number}` end return asks end)())
            for number = 1, 200 do rows[number] = `SET limit:{number} {values[number]}` end
        end,
        lose = function() end, -- the fresh environment has none of it
        restore = function()
            fresh = { db = standins.postgres { port = port + 1 }, cache = standins.redis { port = port + 2 } }
            fresh.db:restore(folder .. "/postgres")
            if env("LOSE") == "row" then fresh.db:execute("delete from samples where id = 2999") end
            if env("LOSE") ~= "redis" then fresh.cache:pipe(rows) end
        end,
        state = state,
        canary = function()
            fresh.db:execute("insert into samples values (0, '{}')")
            expect("a canary is read as it was written", fresh.db:value("select body from samples where id = 0") == "{}")
        end,
        rto = 4 * 3600 * 1000,
    }
    log.info("evidence", { backup_ms = math.floor(report.took.backup), restore_ms = math.floor(report.took.restore), gaps = #report.differences })
end)
