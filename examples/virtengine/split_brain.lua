-- needs: root, netns, etcd
-- Split brain: what if two of three are isolated? Nobody has a majority: consensus must stop, on all three, and be noticed at
-- once; when the network is whole it must go on, and nothing that was acknowledged may be lost. In the plan it is 60 s:
--   rchaos run examples/virtengine/split_brain.lua --env HOLD=60s

local etcd = require("../lib/etcd")
local MEMBERS = { "rc-split1", "rc-split2", "rc-split3" }
local HOLD = env("HOLD", "4s")

setup(function() return { urls = etcd.start(MEMBERS, "10.68.3.0/24") } end)

experiment("two of three are isolated", function(x, cluster)
    local urls, tried, acknowledged = cluster.urls, 0, {}
    local function put()
        tried += 1
        local number = tried
        if not etcd.put(urls[number % 3 + 1], 1000 + number, number) then return false end
        table.insert(acknowledged, number)
        return true
    end
    x:steady_state("consensus", function(probe)
        probe:fn("a write is acknowledged", put)
    end)
    for _ = 1, 20 do x:expect("acknowledged", put()) end

    x:step("isolate two", function(s)
        local nodes = {}
        for number, name in MEMBERS do nodes[number] = netfault.namespace(name) end
        local begun = now()
        s:inject(netfault.partition { { nodes[1] }, { nodes[2] }, { nodes[3] } }, { name = "split", ttl = "10m", must_hit = true })
        s:eventually("the alert: no member has a leader", function() return etcd.leader(urls) == nil end, { within = "10s" })
        log.info("noticed", { after_ms = math.round(now() - begun) })
        for number, url in urls do
            s:expect(MEMBERS[number] .. " takes no write", not etcd.put(url, 1, number))
        end
        s:sleep(HOLD)
    end)
    local took = x:recovers { within = "30s", stable_for = "1s" }
    log.info("recovered", { after_ms = math.round(took) })
    x:step("nothing is lost", function(s)
        local lost = 0
        for _, number in acknowledged do
            if etcd.get(urls[number % 3 + 1], 1000 + number) ~= etcd.number(number) then lost += 1 end
        end
        s:expect(`all {#acknowledged} acknowledged writes are there`, lost == 0, `{lost} are lost`)
    end)
end)
