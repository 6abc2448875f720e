-- How does a client of Redis bear a slow network? A real server, a real client, and a proxy between them.
-- needs: redis-server, redis-cli

local port = env("REDIS_PORT", "16399")
local link

setup(function()
    process.spawn {
        name = "redis",
        cmd = { "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no" },
        ready = { log = "Ready to accept connections", within = "20s" },
    }
    link = netfault.proxy { name = "redis", upstream = "127.0.0.1:" .. port }
    return { port = (link.listen:gsub(".*:", "")) }
end)

experiment("clients of redis wait, and lose nothing", function(x, redis)
    local cli = { "redis-cli", "-p", redis.port, "incr", "visits" }

    x:steady_state("a command takes no time", function(probe)
        probe:command("incr", cli, { exit = 0, output = "> 0", within = "1s" })
    end)

    x:step("1.5 s later, each way", function(s)
        s:inject(link:latency { delay = "1500ms", stream = "upstream" }, { name = "slow requests" })
        s:inject(link:latency { delay = "1500ms", stream = "downstream" }, { name = "slow answers", must_hit = true })
        s:sleep("4s")
    end)
    x:recovers { within = "15s", stable_for = "1s" }

    x:step("no faster than 1 KB/s", function(s)
        s:inject(link:bandwidth { rate = "1KB/s" }, { name = "narrow", must_hit = true })
        s:sleep("2s")
    end)
    x:recovers { within = "15s", stable_for = "1s" }
end)
