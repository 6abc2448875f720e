-- A cluster of etcd for scripts that disturb one: each member in a network namespace of its own.

local etcd = {}

-- Makes the hosts and starts the members; returns their URLs when there is a leader. For `setup`.
function etcd.start(members, subnet)
    local net = netfault.network { hosts = members, subnet = subnet }
    local peers, urls = {}, {}
    for number, name in members do
        table.insert(peers, name .. "=http://" .. net.hosts[number].address .. ":2380")
        table.insert(urls, "http://" .. net.hosts[number].address .. ":2379")
    end
    for number, name in members do
        local peer = "http://" .. net.hosts[number].address .. ":2380"
        process.spawn {
            cmd = { "sh", "-c", 'd=$(mktemp -d); trap \'rm -rf "$d"\' EXIT; etcd --data-dir "$d" "$@" & wait', "sh",
                "--name", name, "--initial-cluster", table.concat(peers, ","),
                "--heartbeat-interval", "150", "--election-timeout", "1500",
                "--initial-advertise-peer-urls", peer, "--listen-peer-urls", peer,
                "--advertise-client-urls", urls[number], "--listen-client-urls", urls[number] },
            name = name,
            namespace = netfault.namespace(name),
        }
    end
    eventually("the cluster has a leader", function() return etcd.leader(urls) end, { within = "40s" })
    return urls
end

-- What a member says of the cluster; nil when it does not answer.
function etcd.status(url)
    local res = http.post(url .. "/v3/maintenance/status", { body = "{}", timeout = "1s", name = "status" })
    return res.status == 200 and res:json("$") or nil
end

-- The number of the member that leads, as those of `among` see it (default all); nil if there is none.
function etcd.leader(urls, among)
    local numbers = {}
    for number, url in urls do
        local said = etcd.status(url)
        if said then numbers[said.header.member_id] = number end
    end
    for number, url in urls do
        if not among or table.find(among, number) then
            local said = etcd.status(url)
            if said and said.leader and said.leader ~= "0" and not (said.errors and #said.errors > 0) then
                return numbers[said.leader]
            end
        end
    end
    return nil
end

-- Keys and values are eight digits, which are valid base64 as they are.
function etcd.number(value) return string.format("%08d", value) end

-- Writes; whether that was acknowledged.
function etcd.put(url, key, value)
    local json = { key = etcd.number(key), value = etcd.number(value) }
    return http.post(url .. "/v3/kv/put", { json = json, timeout = "1s", name = "put" }).status == 200
end

-- Reads, from a majority; nil when there is none, "" when there is no such key.
function etcd.get(url, key)
    local res = http.post(url .. "/v3/kv/range", { json = { key = etcd.number(key) }, timeout = "1s", name = "get" })
    if res.status ~= 200 then return nil end
    return res:json("$.kvs[0].value") or ""
end

return etcd
