-- What a script makes for itself: a network, a volume, an image, a container, a compose project.
-- needs: docker, docker-compose
local net = docker.network { subnet = "10.202.32.0/24" }
expect("its subnet", net.subnet == "10.202.32.0/24")
local volume = docker.volume {}
local image = docker.build { context = "image", args = { WORD = "built" } }
local one = docker.run {
    image = image,
    network = net,
    ports = { "80" },
    volumes = { volume.name .. ":/data" },
    env = { GREETING = "hello" },
    health = { cmd = "test -e /data/ready", interval = "200ms" },
}
one:wait_healthy()
expect("what was built", one:exec("cat /word").stdout == "built\n")
expect("its environment", one:exec("echo $GREETING").stdout == "hello\n")
expect("its port", http.get("http://127.0.0.1:" .. one.ports[80] .. "/word").body == "built\n")

local project = docker.compose("compose/compose.yaml", { scale = { web = 2 } })
project:up()
expect("two of them", #project:containers("web"):list() == 2)
local name = project.project
project:down()
expect("gone", #docker.containers { compose = name, status = "any", allow_empty = true }:list() == 0)
