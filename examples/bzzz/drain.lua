-- TC-09: the swarm node on which the leader runs is drained. A new leader must be there within two minutes, and health, which
-- is the share of members that know their leader, above 0.8 after half a minute; then the node takes tasks again.
-- With one's own swarm: --env ENGINE=unix:///run/docker.sock --env SERVICES=etcd1,etcd2,etcd3 --env ADDRESSES=10.0.0.1,10.0.0.2
-- flags: --time-scale 0.1
-- takes: 120s
-- needs: docker, dockerd, root, netns, etcd

local swarm = require("../lib/swarm")
local services = string.split(env("SERVICES", "etcd1,etcd2,etcd3"), ",")
local addresses, at = nil, nil

-- Members in services of one task each, on an overlay network. Their data is where both nodes reach it: a member that moves
-- goes on where it was. The client's port of each is published by the node that it runs on.
local function deploy()
    local mine = swarm.start { hosts = { "bzzz-east", "bzzz-west" }, subnet = "10.71.9.0/24", image = "rchaos/etcd:1" }
    mine.client { "network", "create", "-d", "overlay", "peers" }
    local initial = {}
    for _, name in services do table.insert(initial, `{name}=http://{name}:2380`) end
    for number, name in services do
        assert(process.run({ cmd = { "mkdir", "-p", `{mine.folder}/{name}` } }).ok)
        mine.client { "service", "create", "--detach", "--no-resolve-image", "--name", name, "--network", "peers",
            "--endpoint-mode", "dnsrr", "--publish", `mode=host,target=2379,published={2379 + number}`,
            "--stop-grace-period", "2s", "--restart-delay", "500ms",
            "--mount", `type=bind,source={mine.folder}/{name},target=/data`, "rchaos/etcd:1",
            "etcd", "--name", name, "--data-dir", "/data/etcd", "--initial-cluster", table.concat(initial, ","),
            "--initial-advertise-peer-urls", `http://{name}:2380`, "--listen-peer-urls", "http://0.0.0.0:2380",
            "--advertise-client-urls", `http://{name}:2379`, "--listen-client-urls", "http://0.0.0.0:2379" }
    end
    return mine.at, { mine.nodes[1].address, mine.nodes[2].address }
end

-- Asks a member, on whichever node it is.
local function ask(number, path, body)
    for _, address in addresses do
        local res = http.post(`http://{address}:{2379 + number}/v3/{path}`, { body = body, timeout = "1s", name = path })
        if res.status == 200 then return res:json("$") end
    end
    return nil
end

-- The number of the leader, and which share of the members know one.
local function leader()
    local numbers, known, found = {}, 0, nil
    local said = {}
    for number in services do
        said[number] = ask(number, "maintenance/status", "{}")
        if said[number] then numbers[said[number].header.member_id] = number end
    end
    for number in services do
        local status = said[number]
        if status and status.leader and status.leader ~= "0" and not (status.errors and #status.errors > 0) then
            known, found = known + 1, numbers[status.leader] or found
        end
    end
    return found, known / #services
end

local function writes()
    return ask(leader() or 1, "kv/put", '{"key": "cHJv", "value": "YmU="}') ~= nil
end

setup(function()
    if env("ENGINE") then
        at, addresses = { engine = env("ENGINE") }, string.split(env("ADDRESSES"), ",")
    else
        at, addresses = deploy()
    end
    eventually("all members know a leader", function()
        local who, health = leader()
        return who and health == 1
    end, { within = "120s" })
end)

experiment("TC-09 the leader's node is drained", function(x)
    x:steady_state("healthy", function(probe)
        probe:fn("health above 0.8", function() return select(2, leader()) > 0.8 end, { within = "5s" })
        probe:fn("writes are taken", writes, { within = "5s" })
    end)
    x:step("drain", function(s)
        local old = leader()
        local node = docker.service(services[old], at):tasks()[1].node
        s:inject(docker.node(node, at):drain(), { name = "drain" })
        s:eventually("a leader somewhere else", function()
            local new = leader()
            local task = new and docker.service(services[new], at):tasks()[1]
            return task and task.node ~= node and writes()
        end, { within = "120s" })
        local function healthy() return select(2, leader()) > 0.8 end
        local function deserted()
            for _, name in services do
                local task = docker.service(name, at):tasks()[1]
                if not task or task.node == node then return false end
            end
            return true
        end
        -- Time-outs, since the members that move take their time whatever the time scale is.
        s:eventually("health above 0.8", healthy, { within = "30s" })
        s:eventually("nothing runs on it", deserted, { within = "30s" })
        s:sleep("30s")
        s:expect("health is still above 0.8", healthy)
        s:expect("nothing has come back to it", deserted)
    end)
    x:recovers { within = "60s", stable_for = "2s" }
end)
