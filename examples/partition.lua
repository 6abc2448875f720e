-- needs: root etcd
-- Does my cluster survive when its leader is cut off? Three network namespaces that the script makes itself, an etcd member
-- in each, writers all the while; the leader is partitioned from the others, and a new one must take over.

local MEMBERS = { "rc-etcd1", "rc-etcd2", "rc-etcd3" }

options { thresholds = {
    -- While there is no leader, writes fail: so much of all of them may.
    ["checks{check:write acknowledged}"] = "rate > 50%",
} }

-- What a member says of the cluster; nil when it does not answer.
local function status(url)
    local res = http.post(url .. "/v3/maintenance/status", { body = "{}", timeout = "1s", name = "status" })
    return res.status == 200 and res:json("$") or nil
end

-- The number of the member that leads, as the others of `among` see it.
local function leader(urls, among)
    for _, number in among do
        local said = status(urls[number])
        if said and said.leader and said.leader ~= "0" and not (said.errors and #said.errors > 0) then
            for other, url in urls do
                local its = status(url)
                if its and its.header.member_id == said.leader then return other end
            end
        end
    end
    return nil
end

setup(function()
    local net = netfault.network { hosts = MEMBERS, subnet = "10.67.0.0/24" }
    local peers, urls = {}, {}
    for number, name in MEMBERS do
        table.insert(peers, name .. "=http://" .. net.hosts[number].address .. ":2380")
        table.insert(urls, "http://" .. net.hosts[number].address .. ":2379")
    end
    for number, name in MEMBERS do
        local peer = "http://" .. net.hosts[number].address .. ":2380"
        process.spawn {
            cmd = { "sh", "-c", 'd=$(mktemp -d); trap \'rm -rf "$d"\' EXIT; etcd --data-dir "$d" "$@" & wait', "sh",
                "--name", name, "--initial-cluster", table.concat(peers, ","),
                "--initial-advertise-peer-urls", peer, "--listen-peer-urls", peer,
                "--advertise-client-urls", urls[number], "--listen-client-urls", urls[number] },
            name = name,
            namespace = netfault.namespace(name),
        }
    end
    eventually("the cluster has a leader", function() return leader(urls, { 1, 2, 3 }) end, { within = "30s" })
    return { urls = urls }
end)

-- A client of the cluster: goes on to the next member when one does not answer, as etcd's own do.
scenario("writers", { rate = "20/s", duration = "5m", max_vus = 60 }, function(vu, cluster)
    local key = string.format("%08d", math.random(0, 99999999))      -- eight digits are valid base64
    local acknowledged = false
    for try = 0, 2 do
        local url = cluster.urls[(vu.iteration + try) % 3 + 1]
        local res = http.post(url .. "/v3/kv/put", {
            json = { key = key, value = key }, timeout = "1s", name = "put",
        })
        acknowledged = res.status == 200
        if acknowledged then break end
    end
    check(acknowledged, { ["write acknowledged"] = acknowledged })
end)

experiment("the cluster survives the loss of its leader", function(x, cluster)
    local urls = cluster.urls
    x:steady_state("writes are acknowledged", function(probe)
        probe:metric("writes", "checks{check:write acknowledged}", "rate > 90%", { window = "2s" })
    end)

    x:load("writers")
    x:sleep("3s")

    x:step("cut the leader off", function(s)
        local old = leader(urls, { 1, 2, 3 })
        local rest = {}
        for number in MEMBERS do
            if number ~= old then table.insert(rest, number) end
        end
        local others = { netfault.namespace(MEMBERS[rest[1]]), netfault.namespace(MEMBERS[rest[2]]) }
        s:inject(netfault.partition { { netfault.namespace(MEMBERS[old]) }, others }, { name = "no leader", ttl = "60s", must_hit = true })
        local new = s:eventually("the others elect a new one", function()
            local now = leader(urls, rest)
            return now ~= old and now
        end, { within = "30s" })
        log.info("a new leader", { was = MEMBERS[old], is = MEMBERS[new] })
        s:eventually("the new one takes writes", function()
            local res = http.post(urls[new] .. "/v3/kv/put", { json = { key = "aaaa", value = "aaaa" }, timeout = "1s" })
            return res.status == 200
        end, { within = "10s" })
        s:sleep("3s")
    end)

    x:recovers { within = "45s", stable_for = "3s" }
    x:step("all three agree again", function(s)
        s:eventually("one leader for all", function()
            local led = {}
            for _, url in urls do
                local said = status(url)
                if said then led[said.leader] = (led[said.leader] or 0) + 1 end
            end
            local _, count = next(led)
            return count == 3
        end, { within = "20s" })
    end)
end)
