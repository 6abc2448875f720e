-- TC-08: does every service reach those that it needs? Each lives in a network namespace of its own, and the others are
-- tried from there. Then a pair is cut, to see that just this one is reported.
-- needs: root, postgres, redis-server, redis-cli, python3, nsenter

local standins = require("../lib/standins")
local base = standins.ports(20600)
local PORTS = { postgres = 5432, redis = 6379, dht = 8000, agent = 8000, mcp = 8000, resolver = 8000 }
local PAIRS = {
    { "agent", "postgres" }, { "agent", "redis" }, { "agent", "dht" },
    { "mcp", "agent" }, { "agent", "mcp" }, { "resolver", "agent" }, { "agent", "resolver" },
}
local hosts = {}

setup(function()
    local names, order = {}, {}
    for service in PORTS do table.insert(order, service) end
    table.sort(order)
    for place, service in order do names[place] = `rc{base % 10000}{service}` end
    local net = netfault.network { hosts = names, subnet = env("SUBNET", "10.68.0.0/24") }
    for place, service in order do
        local host = { space = netfault.namespace(names[place]), name = names[place], address = net.hosts[place].address }
        hosts[service] = host
        if service == "postgres" then
            standins.postgres { port = 5432, listen = host.address, namespace = host.space }
        elseif service == "redis" then
            standins.redis { port = 6379, listen = host.address, namespace = host.space }
        else
            process.spawn { cmd = { "python3", "-m", "http.server", "8000", "--bind", host.address }, namespace = host.space }
        end
    end
end)

-- Those pairs whose first cannot connect to the second.
local function unreachable()
    local tried, cut = {}, {}
    for place, pair in PAIRS do
        local from, to = hosts[pair[1]], hosts[pair[2]]
        tried[place] = function()
            local connect = `exec 3<>/dev/tcp/{to.address}/{PORTS[pair[2]]}`
            return process.run { cmd = { "nsenter", `--net=/run/netns/{from.name}`, "bash", "-c", connect }, timeout = "2s" }.ok
        end
    end
    for place, reached in parallel(tried) do
        if not reached then table.insert(cut, table.concat(PAIRS[place], " to ")) end
    end
    table.sort(cut)
    return table.concat(cut, ", ")
end

experiment("TC-08 services reach each other", function(x)
    x:steady_state("every pair", { settle = "30s" }, function(probe)
        probe:fn("reachable", function() return unreachable() == "" end, { within = "10s" })
    end)
    x:step("a pair is cut", function(s)
        local cut = netfault.blackhole(hosts.agent.space, { to = hosts[env("CUT", "postgres")].space })
        s:inject(cut, { name = "cut", ttl = "60s" })
        local seen
        s:eventually("just this one is reported", function()
            seen = unreachable()
            return seen == "agent to postgres"
        end, { within = "15s" })
        log.info("cut", { pairs = seen })
    end)
    x:recovers { within = "30s", stable_for = "500ms" }
end)
