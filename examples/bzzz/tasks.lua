-- TC-06: does a task come to its end? It is submitted, polled every 5 s, and its result fetched. The stand-in is a queue
-- in Redis and a worker of its own process; against one's own service, change submit, status and result.
-- flags: --time-scale 0.05
-- needs: redis-server, redis-cli

local standins = require("../lib/standins")
local port = standins.ports(20400)
local queue

local WORKER = [[
while :; do
    id=$(redis-cli -p "$PORT" BRPOP tasks 1 | tail -n 1)
    [ -n "$id" ] || continue
    redis-cli -p "$PORT" SET "status:$id" running >/dev/null
    redis-cli -p "$PORT" SET "result:$id" "context of $(redis-cli -p "$PORT" GET "input:$id")" >/dev/null
    redis-cli -p "$PORT" SET "status:$id" "$LAST" >/dev/null
done
]]

setup(function()
    queue = standins.redis { port = port }
    process.spawn { name = "worker", cmd = { "sh", "-c", WORKER }, env = { PORT = tostring(port), LAST = env("LAST", "completed") } }
end)

local function submit(input)
    local id = uuid()
    queue:command("SET", "input:" .. id, input)
    queue:command("LPUSH", "tasks", id)
    return id
end
local function status(id) return queue:command("GET", "status:" .. id) end
local function result(id) return queue:command("GET", "result:" .. id) end

experiment("TC-06 tasks come to their end", function(x)
    x:steady_state("the queue answers", { settle = "10s" }, function(probe) probe:fn("ping", function() return queue:up() end) end)
    for number = 1, 5 do
        local id, begun, said = submit(`document {number}`), now(), nil
        while now() - begun < 20000 do
            said = status(id)
            if said == "completed" or said == "failed" then break end
            sleep("5s")
        end
        x:expect("it is completed", function() return said == "completed" end, `task {number} is {said or "not begun"}`)
        x:expect("its result is not empty", function() return #(result(id) or "") > 0 end)
    end
end)
