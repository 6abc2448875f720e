-- What does a frozen cache cost? A shop asks its cache first; one that hangs must cost time, and never an order.
-- needs: docker, root

options { thresholds = {
    ["checks{scenario:orders}"] = { "rate > 99%" },
} }

-- The shop gives its cache half a second, then does without.
local SHOP = [[
mkdir -p /tmp/cgi-bin && cd /tmp
cat >cgi-bin/order <<'end'
#!/bin/sh
price=$(timeout 0.5 wget -q -O - http://cache/price || echo "7 from the database")
printf 'content-type: text/plain\n\nordered for %s\n' "$price"
end
chmod +x cgi-bin/order
exec httpd -f -p 80
]]

setup(function()
    local net = docker.network {}
    docker.run {
        name = "example-cache",
        image = "rchaos/busybox:1",
        cmd = "cd /tmp && echo 7 from the cache > price && exec httpd -f -p 80",
        network = net,
        aliases = { "cache" },
    }
    local shop = docker.run { image = "rchaos/busybox:1", cmd = SHOP, network = net, ports = { "80" } }
    local url = `http://127.0.0.1:{shop.ports[80]}/cgi-bin/order`
    eventually("the shop sells", function()
        return http.get(url).body:find("from the cache")
    end, { within = "20s" })
    return { url = url }
end)

scenario("orders", { executor = "constant-arrival-rate", rate = "5/s", duration = "5m", max_vus = 20 }, function(_, session)
    local res = http.get(session.url, { timeout = "3s" })
    check(res, { ["ordered"] = res.status == 200 and res.body:find("ordered for 7") ~= nil })
end)

experiment("the cache hangs", function(x)
    x:steady_state("orders go through", function(probe)
        probe:metric("orders", "checks{scenario:orders}", "rate > 99%", { window = "2s" })
    end)
    x:load("orders")
    x:step("freeze it", function(s)
        s:sleep("1s")
        s:inject(docker.container("example-cache"):pause(), { name = "cache hangs" })
        s:sleep("3s")
    end)
    x:recovers { within = "20s", stable_for = "1s" }
end)
