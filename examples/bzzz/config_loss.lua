-- TC-21: a secret, a config, the network and the definition of a service are lost, one after the other. Each loss must be seen in
-- its tasks, and afterwards all be there as it was. A secret comes back from a file: no engine tells what it says.
-- With one's own swarm: --env ENGINE=unix:///run/docker.sock --env SERVICE=api --env SECRET=key --env SECRET_FILE=/root/key
-- --env CONFIG=settings --env NETWORK=backend
-- flags: --time-scale 0.1
-- takes: 120s
-- needs: docker, dockerd, root, netns

local swarm = require("../lib/swarm")
local SECRET, CONFIG, NETWORK = env("SECRET", "key"), env("CONFIG", "settings"), env("NETWORK", "backend")
local at, file, service = nil, env("SECRET_FILE"), nil

-- A service of one task with all of it.
local function deploy()
    local mine = swarm.start { hosts = { "bzzz-one" }, subnet = "10.71.21.0/24", image = "rchaos/busybox:1" }
    file = mine.folder .. "/key"
    assert(process.run({ cmd = { "sh", "-c", 'printf "open sesame" >"$0" && echo "level = 3" >"$0.conf"', file } }).ok)
    mine.client { "secret", "create", SECRET, file }
    mine.client { "config", "create", CONFIG, file .. ".conf" }
    mine.client { "network", "create", "-d", "overlay", NETWORK }
    mine.client { "service", "create", "--detach", "--no-resolve-image", "--name", "api", "--network", NETWORK, "--endpoint-mode",
        "dnsrr", "--stop-grace-period", "1s", "--update-monitor", "1s", "--secret", SECRET, "--config", `source={CONFIG},target=/etc/api.conf`,
        "rchaos/busybox:1", "sleep", "3600" }
    return mine.at
end

-- What a file says in the task that runs; nil if none does, "" if there is no such file.
local function reads(path)
    local tasks = docker.containers { service = service.name, engine = at.engine, allow_empty = true }:list()
    if #tasks ~= 1 then return nil end
    local done = tasks[1]:exec({ "cat", path })
    return if done.code == 0 then done.stdout else ""
end

-- All that is to be there again.
local function state()
    local now = service:inspect()
    return json.encode { image = now.image, replicas = now.replicas, secrets = now.secrets, configs = now.configs,
        networks = now.networks, config = docker.config(CONFIG, at):inspect().data }
end

setup(function()
    at = if env("ENGINE") then { engine = env("ENGINE") } else deploy()
    service = docker.service(env("SERVICE", "api"), at)
    service:wait_converged { within = "60s" }
end)

experiment("TC-21 configuration is lost", function(x)
    local before = state()
    x:steady_state("its configuration is there", function(probe)
        probe:fn("all of it", function()
            return service:inspect().converged and state() == before and reads("/run/secrets/" .. SECRET) ~= ""
        end, { within = "60s" })
    end)
    local function lost(what, fault, noticed)
        x:step(what, function(s)
            s:inject(fault, { name = what })
            s:eventually("it is missed", noticed, { within = "60s" })
        end)
        x:eventually(what .. " is restored", function() return service:inspect().converged and state() == before end,
            { within = "2m" })
    end
    lost("secret", docker.secret(SECRET, at):remove { file = file }, function()
        return reads("/run/secrets/" .. SECRET) == "" and #docker.secrets(at) == 0
    end)
    lost("config", docker.config(CONFIG, at):remove(), function() return #service:inspect().configs == 0 end)
    lost("network", docker.network(NETWORK, at):remove(), function() return #service:inspect().networks == 0 end)
    lost("service", service:remove(), function() return reads("/") == nil end)
    x:recovers { within = "2m", stable_for = "1s" }
end)
