-- exp-2: latency of 100 ms, give or take 10, alike by 25 %, for 10 min, on the way to the store. A provisioning may take
-- 350 s in the plan, of which the stand-in has one connection and one request: 350 ms (--env PROVISIONED=350000). Bids may
-- take 10 s, and what does not need the store must stay as fast as it was.
-- flags: --time-scale 0.01
-- needs: root, python3

local standins = require("../lib/standins")
local base = standins.ports(22100)
local NAMES = { `rcv{base}s`, `rcv{base}q` }
local net

setup(function()
    net = netfault.network { hosts = NAMES, subnet = env("SUBNET", "10.70.0.0/24") }
    for number, name in NAMES do
        process.spawn {
            cmd = { "python3", "../lib/store.py", net.hosts[number].address, "8000", "/tmp" }, namespace = netfault.namespace(name),
        }
    end
    eventually("both answer", function()
        return http.get(`http://{net.hosts[1].address}:8000/health`).ok and http.get(`http://{net.hosts[2].address}:8000/health`).ok
    end, { within = "20s" })
end)

-- Connects on purpose, so that a round trip more is part of it, as it is for a client that comes anew.
local function took(host)
    local begun = now()
    local ok, answered = pcall(function() return http.get(`http://{host}:8000/health`, { timeout = "5s", headers = { connection = "close" } }).ok end)
    return if ok and answered then now() - begun else math.huge
end

local function middle(host)
    local times = {}
    for number = 1, 9 do times[number] = took(host) end
    table.sort(times)
    return times[5]
end

experiment("exp-2 latency", function(x)
    local one, other = net.hosts[1].address, net.hosts[2].address
    x:steady_state("stores answer", { settle = "10s" }, function(probe)
        probe:tcp("one", one .. ":8000", { within = "5s" })
        probe:tcp("other", other .. ":8000", { within = "5s" })
    end)
    local before = middle(one)
    x:step("slow", function(s)
        s:inject(netfault.latency(netfault.namespace(NAMES[1]), {
            delay = env("DELAY", "100ms"), jitter = "10ms", correlation = "25%", port = 8000, protocol = "tcp",
        }), { name = "latency", ttl = "20m" })
        local during, aside = middle(one), middle(other)
        log.info("median in ms", { before = before, during = during, elsewhere = aside })
        s:expect("the latency is there", function() return during - before > 80 end)
        s:expect("a provisioning in time", function() return during <= tonumber(env("PROVISIONED", 350)) end, `{during} ms`)
        s:expect("bids within 10 s", function() return took(one) < 10000 end)
        s:expect("no cascade", function() return aside < 80 end, `what is not slowed takes {aside} ms`)
        s:sleep("10m")
    end)
    x:recovers { within = "30s", stable_for = "30s" }
    x:expect("as fast as before", function() return middle(one) < 80 end)
end)
