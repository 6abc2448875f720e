-- The gameday of a database outage: who leads, what happens when, detected and paged within 5 min, restored within
-- 30 min, what was learnt. With a terminal it asks; --answers FILE and --yes answer without one.
-- flags: --yes --time-scale 0.02
-- needs: postgres, psql

local standins = require("../lib/standins")
local port = standins.ports(22400)

gameday("database outage", function(g)
    local db = standins.postgres { port = port, restart = env("RESTART", "2") }
    local lost, detected, restored

    g:phase("brief", function(p)
        local lead = p:choose("Who leads?", { "ana", "bo" }, { default = "ana" })
        p:note(`{lead} leads; scope: the database on port {port}, nothing else; stop with the key s`)
        if not p:confirm("Is everybody watching, and may it be stopped at any time?", { default = true }) then fail("not today") end
        p:observe("connections before", function() return db:connections() end)
    end)

    g:phase("outage", function(p)
        p:countdown("10s", "stopping the database")
        -- The parent of all of its processes is the one that listens.
        p:inject(process.find { port = port, name = "postgres", pick = "one" }:kill("SIGQUIT"), { ttl = "40m", name = "outage" })
        lost = now()
        p:eventually("an alarm would ring", function() return db:value("select 1") == nil end, { within = "5m", every = "50ms" })
        detected = now() - lost
        p:score("time to detect", detected, { at_most = "5m" })
        p:score("time to page", detected, { at_most = "5m" })
        p:eventually("it is restored", function() return db:value("select 1") == "1" end, { within = env("WITHIN", "30m") })
        restored = now() - lost
        p:score("time to restore", restored, { at_most = "30m" })
    end)

    g:phase("after", function(p)
        p:expect("it takes writes", function() return (db:execute("create table if not exists after_gameday (at timestamptz default now())")) end)
        p:observe("connections after", function() return db:connections() end)
        p:action("page on failed connections, not only on a dead process", { owner = "ana" })
    end)

    g:retro { "What went well?", "What did not?", "Where were we lucky?" }
end)
