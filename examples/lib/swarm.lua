-- A Docker swarm of the script's own: each engine in a network namespace and with a host name of its own, beside this
-- machine's engine and without touching its settings. Needs root, docker and dockerd.

local swarm = {}

-- One engine in "$D/$NAME"; all that it made is gone when it ends.
local ENGINE = [[
hostname "$NAME" && mkdir -p "$D/$NAME" && cd "$D/$NAME" && echo '{}' >settings || exit 1
trap 'kill -TERM $pid' TERM INT
dockerd --storage-driver vfs -H "unix://$D/$NAME.sock" --config-file "$PWD/settings" --data-root "$PWD/data" --exec-root "$PWD/exec" \
    --pidfile "$PWD/pid" --containerd-namespace "$NAME" --containerd-plugins-namespace "$NAME-plugins" --shutdown-timeout 5 &
pid=$!
while kill -0 $pid 2>/dev/null; do wait $pid; done
umount -R data exec/netns 2>/dev/null
umount data 2>/dev/null
cd / && rm -rf "$D/$NAME" "$D/$NAME.sock" "$D/shared-$NAME"
rmdir "$D" 2>/dev/null
]]

-- The client, at one of the engines; what it says.
local function client(node, arguments)
    local cmd = { "docker", "-H", node.engine }
    for _, argument in arguments do table.insert(cmd, argument) end
    local ran = process.run { cmd = cmd, timeout = "60s" }
    if not ran.ok then error(`docker {table.concat(arguments, " ")}: {ran.stderr}`) end
    return (string.gsub(ran.stdout, "%s+$", ""))
end

-- Nodes called `hosts`, the first one their manager, with an image; for `setup`. Each has `name`, `address`, `engine`;
-- `folder` is there for all of them, as storage in a network would be.
function swarm.start(given)
    local net = netfault.network { hosts = given.hosts, subnet = given.subnet }
    local folder = string.gsub(process.run({ cmd = { "mktemp", "-d", "/var/tmp/swarm.XXXXXX" } }).stdout, "%s+$", "")
    local self = { nodes = {}, folder = `{folder}/shared-{given.hosts[1]}` }
    assert(process.run({ cmd = { "sh", "-c", `docker save -o {folder}/image {given.image}` }, timeout = "60s" }).ok,
        `there is no image {given.image}: scripts/images makes it`)
    local work = {}
    for number, name in given.hosts do
        local node = { name = name, address = net.hosts[number].address, engine = `unix://{folder}/{name}.sock` }
        self.nodes[number] = node
        table.insert(work, function()
            process.spawn {
                name = `engine {name}`, cmd = { "unshare", "--uts", "sh", "-c", ENGINE }, env = { D = folder, NAME = name },
                namespace = netfault.namespace(name), ready = { log = "API listen on", within = "60s" }, stop = { within = "30s" },
            }
            client(node, { "load", "-i", folder .. "/image" })
        end)
    end
    parallel(work)
    local first = self.nodes[1]
    client(first, { "swarm", "init", "--advertise-addr", first.address, "--listen-addr", first.address })
    local token = client(first, { "swarm", "join-token", "-q", "worker" })
    for number = 2, #self.nodes do
        client(self.nodes[number], { "swarm", "join", "--token", token, first.address .. ":2377" })
    end
    process.run { cmd = { "rm", "-f", folder .. "/image" } }
    process.run { cmd = { "mkdir", "-p", self.folder } }
    -- For natives: the engine of a manager.
    self.at = { engine = first.engine }
    function self.client(arguments) return client(first, arguments) end
    return self
end

return swarm
