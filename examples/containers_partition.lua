-- What do containers do that cannot reach each other? Two of them talk, are cut apart, and talk again.
-- needs: docker, root

local net = docker.network { subnet = "10.202.40.0/24" }
local api = docker.run { image = "rchaos/busybox:1", cmd = { "sleep", "600" }, network = net }
local database = docker.run {
    image = "rchaos/busybox:1",
    cmd = "cd /tmp && echo rows > index.html && exec httpd -f -p 80",
    network = net,
    aliases = { "database" },
}

-- A database that does not answer within three seconds is away.
local function query()
    return api:exec({ "timeout", "3", "wget", "-q", "-O", "-", "http://database/" }).stdout
end
eventually("the api reads its rows", function() return query() == "rows\n" end, { within = "20s" })

local cut = inject(netfault.partition { { api }, { database } }, { ttl = "30s", name = "partition" })
expect("nothing while they are apart", query() == "")
expect("the database itself is well", database:exec("wget -q -O - http://127.0.0.1/").stdout == "rows\n")
cut:heal()
eventually("rows again", function() return query() == "rows\n" end, { within = "10s" })

-- Slowness is worse than silence: the same link with 200 ms in each direction.
local slow = inject(netfault.latency(api, { delay = "200ms", to = database, direction = "both" }), { name = "slow link" })
local begun = now()
expect("it still answers", query() == "rows\n")
expect("but late", now() - begun > 400)
slow:heal()
