-- needs: root, netns, etcd
-- Does one slow replica slow the whole system down? Three members of etcd; the packets of one that does not lead arrive
-- 300 ms late. A majority without it is fast, so writes must be as fast as before; the slow one itself must not be.

local etcd = require("./lib/etcd")
local MEMBERS = { "rc-slow1", "rc-slow2", "rc-slow3" }

setup(function() return { urls = etcd.start(MEMBERS, "10.68.1.0/24") } end)

-- The middle one of some writes, in milliseconds.
local function typical(url)
    local took = {}
    for value = 1, 15 do
        local begun = now()
        expect("acknowledged", etcd.put(url, 1, value))
        table.insert(took, now() - begun)
    end
    table.sort(took)
    return took[8]
end

experiment("a slow replica is its own problem", function(x, cluster)
    local urls = cluster.urls
    local leads = etcd.leader(urls)
    local slow = leads % 3 + 1
    x:steady_state("writes are acknowledged", function(probe)
        probe:fn("a write", function() return etcd.put(urls[leads], 2, 1) end)
    end)

    local before = typical(urls[leads])
    x:step("one replica is slow", function(s)
        s:inject(netfault.latency(netfault.namespace(MEMBERS[slow]), { delay = "300ms", direction = "both" }),
            { name = "slow replica", must_hit = true })
        local during, its = typical(urls[leads]), nil
        s:expect("its own clients wait", function()
            local begun = now()
            local done = etcd.put(urls[slow], 3, 1)
            its = now() - begun
            return not done or its >= 600
        end)
        log.info("writes, in milliseconds", { before = math.round(before), during = math.round(during), slow = math.round(its) })
        s:expect("others do not", during < before + 150)
    end)
    x:recovers { within = "30s", stable_for = "1s" }
    x:expect("the slow one has caught up", function() return etcd.get(urls[slow], 1) == etcd.number(15) end)
end)
