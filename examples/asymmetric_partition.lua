-- needs: root, netns, etcd
-- What if a leader is heard, but hears nobody? Five members of etcd under load; what the others send to the leader is lost,
-- what it sends arrives. It must notice that nobody answers and step down, and another one must take the writes. Then
-- a network that is cut in two but for one member, and one where no two see the same majority: writes must go on, or be
-- possible again at the latest when the network is whole, and what was acknowledged must be there.

local etcd = require("./lib/etcd")
local MEMBERS = { "rc-asym1", "rc-asym2", "rc-asym3", "rc-asym4", "rc-asym5" }

options { thresholds = { ["checks{check:write acknowledged}"] = "rate > 40%" } }

setup(function() return { urls = etcd.start(MEMBERS, "10.68.2.0/24") } end)

-- A client goes on to the next member when one does not answer.
scenario("writers", { rate = "10/s", duration = "5m", max_vus = 80 }, function(vu, cluster)
    local done = false
    for try = 0, 4 do
        done = etcd.put(cluster.urls[(vu.iteration + try) % 5 + 1], math.random(100, 9999), vu.iteration)
        if done then break end
    end
    check(done, { ["write acknowledged"] = done })
end)

experiment("five members bear strange partitions", function(x, cluster)
    local urls, nodes = cluster.urls, {}
    for _, name in MEMBERS do table.insert(nodes, netfault.namespace(name)) end
    -- Writes by way of any member; the number of the one that took it.
    local function written(key, value)
        for number, url in urls do
            if etcd.put(url, key, value) then return number end
        end
        return nil
    end
    x:steady_state("writes are acknowledged", function(probe)
        probe:fn("a write", function() return written(1, 1) ~= nil end)
    end)
    x:load("writers")
    x:sleep("1s")

    x:step("the leader hears nobody", function(s)
        local old = etcd.leader(urls)
        local others, numbers = {}, {}
        for number, node in nodes do
            if number ~= old then
                table.insert(others, node)
                table.insert(numbers, number)
            end
        end
        s:inject(netfault.partition({ others, { nodes[old] } }, { one_way = true }), { name = "deaf", must_hit = true })
        local new = s:eventually("another one leads", function()
            local number = etcd.leader(urls, numbers)
            return number and number ~= old and number
        end, { within = "20s" })
        log.info("a new leader", { was = MEMBERS[old], is = MEMBERS[new] })
        s:eventually("it takes writes", function() return etcd.put(urls[new], 2, 22) end, { within = "10s" })
    end)
    x:step("two halves and a bridge", function(s)
        s:inject(partitions.bridge(nodes), { name = "bridge", must_hit = true })
        s:eventually("a write is acknowledged", function() return written(3, 33) end, { within = "20s" })
    end)
    x:step("a ring of majorities", function(s)
        s:inject(partitions.majority_ring(nodes), { name = "ring", must_hit = true })
        s:sleep("2s")
    end)
    x:recovers { within = "40s", stable_for = "1s" }
    x:step("nothing is lost", function(s)
        s:eventually("all know what was acknowledged", function()
            for _, url in urls do
                if etcd.get(url, 2) ~= etcd.number(22) or etcd.get(url, 3) ~= etcd.number(33) then return false end
            end
            return true
        end, { within = "20s" })
    end)
end)
