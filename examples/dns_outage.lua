-- needs: root, netns, python3
-- Does my service live through a DNS outage? A service that looks up its database at each request, and a name server. First
-- the server fails, then it is silent, then slow, and at last it says something wrong: only that must be noticed by the
-- service's clients.

local NAME = "db.internal.example"
setup(function()
    local net = netfault.network { hosts = { "rc-names", "rc-client" }, subnet = "10.68.5.0/24" }
    local names, client = net.hosts[1], net.hosts[2]
    process.spawn {
        name = "names", cmd = { "python3", "lib/names.py", "serve", names.address, NAME, "10.68.5.99" },
        namespace = names, ready = { log = "ready", within = "20s" },
    }
    process.spawn {
        name = "service", cmd = { "python3", "lib/names.py", "use", client.address, "8080", names.address, NAME },
        namespace = client, ready = { log = "ready", within = "20s" },
    }
    return { url = "http://" .. client.address .. ":8080/", names = names.address }
end)

experiment("a service lives through a DNS outage", function(x, system)
    local client = netfault.namespace("rc-client")
    local function ask() return http.get(system.url, { timeout = "2s" }) end
    x:steady_state("the service answers", function(probe)
        probe:fn("an address", function() return ask().body ~= "" end)
    end)
    x:expect("with what it was told", function() return ask().status == 200 and ask().body == "10.68.5.99" end)

    for _, failure in { "servfail", "timeout" } do
        x:step("the name server: " .. failure, function(s)
            s:inject(netfault.dns(client, { error = failure, names = "*.internal.example" }), { name = failure, must_hit = true })
            local res = ask()
            s:expect("it goes on with what it knows", res.status == 203 and res.body == "10.68.5.99", `{res.status} {res.body}`)
        end)
        x:expect("then it asks again", function() return ask().status == 200 end)
    end
    x:step("slow", function(s)
        s:inject(netfault.dns(client, { delay = "150ms" }), { name = "slow names", must_hit = true })
        local res = ask()
        s:expect("it waits", res.status == 200 and res.timings.total >= 150, `{res.status} after {res.timings.total} ms`)
    end)
    x:step("wrong", function(s)
        s:inject(netfault.dns(client, { spoof = { [NAME] = "10.68.5.66" } }), { name = "wrong names", must_hit = true })
        s:expect("it believes everything", function() return ask().body == "10.68.5.66" end)
    end)
    x:recovers { within = "20s", stable_for = "500ms" }
    x:expect("what was wrong is forgotten", function() return ask().body == "10.68.5.99" end)
end)
