-- postgres: the primary is stopped; then its port is blocked. Reads must go on (from the cache of the proxy in front),
-- writes be refused with 503 and a hint when to retry, and no connection leak. --env CACHE=off has no cache to read from.
-- (mongo: the same with its port; there is no server of it here, so the row is this one with another address.)
-- flags: --time-scale 0.02
-- needs: postgres, psql, nginx, python3

local standins = require("../lib/standins")
local port = standins.ports(24300)
local api = `http://127.0.0.1:{port + 1}`
local front, link, direct

setup(function()
    direct = standins.postgres { port = port, restart = "1" }
    link = netfault.proxy { name = "postgres", listen = `127.0.0.1:{port + 2}`, upstream = `127.0.0.1:{port}` }
    direct:execute("create table notes (id serial primary key, body text); insert into notes (body) values ('first')")
    process.spawn {
        name = "api", cmd = { "python3", "../lib/notes.py", tostring(port + 1), tostring(port + 2) },
        ready = { http = api .. "/health", within = "20s" },
    }
    front = standins.nginx { port = port + 3, upstream = { `127.0.0.1:{port + 1}` }, cache = env("CACHE") ~= "off", retry = "off", timeout = "5s" }
end)

local function read() return http.get(front .. "/notes/1", { timeout = "6s" }) end
local function write() return http.post(front .. "/notes", { body = "more", timeout = "6s" }) end

local rows = {
    { name = "the primary is stopped", fault = function() return process.find { port = port, name = "postgres", pick = "one" }:kill("SIGQUIT") end },
    { name = "its port is blocked", fault = function() return link:down {} end },
}

for _, row in rows do
    experiment("postgres: " .. row.name, function(x)
        x:steady_state("notes are read and written", { settle = "10s" }, function(probe)
            probe:fn("read", function() return read().ok end, { within = "8s" })
            probe:fn("write", function() return write().status == 201 end, { within = "8s" })
        end)
        local before = direct:connections()
        local acknowledged = 0
        x:step(row.name, function(s)
            s:inject(row.fault(), { name = row.name })
            local refusal = write()
            local rows_read = read()
            log.info(row.name, { write = refusal.status, read = rows_read.status, read_from = rows_read.headers["x-from"] })
            s:expect("reads go on", function() return rows_read.ok end, `a read gives {rows_read.status}`)
            s:expect("writes are refused with 503", function() return refusal.status == 503 end, `a write gives {refusal.status}`)
            s:expect("and say when to retry", function() return refusal.headers["retry-after"] end)
        end)
        x:recovers { within = "30s", stable_for = "30s" }
        for _ = 1, 5 do
            if write().status == 201 then acknowledged += 1 end
        end
        x:expect("writes are taken again", function() return acknowledged == 5 end)
        x:eventually("no connection leaks", function() return (direct:connections() or 99) <= before + 1 end, { within = "10s" })
    end)
end
