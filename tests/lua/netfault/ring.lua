-- needs: root, netns, python3
-- A ring of four: each reaches its neighbours and not the one on the other side, by a datagram and its echo.
local names = { "lua-r1", "lua-r2", "lua-r3", "lua-r4" }
local net = netfault.network { hosts = names, subnet = "10.202.7.0/24", subnet6 = "fd66:202:7::/64" }
local echo = [[
import socket, sys
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("", 9))
print("ready", flush=True)
while True:
    data, peer = own.recvfrom(99)
    if data.startswith(b"to "):
        ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ask.settimeout(0.4)
        try:
            ask.sendto(b"x", (data[3:].decode(), 9))
            ask.recv(9)
            print(data.decode(), "yes", flush=True)
        except OSError:
            print(data.decode(), "no", flush=True)
    else:
        own.sendto(data, peer)
]]
local probe = [[
import socket, sys, time
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for address in sys.argv[2:]:
    own.sendto(("to " + address).encode(), (sys.argv[1], 9))
]]
local nodes, hosts = {}, {}
for number, name in names do
    hosts[number] = net.hosts[number]
    nodes[number] = process.spawn { name = name, cmd = { "python3", "-c", echo }, namespace = hosts[number], ready = { log = "ready", within = "20s" } }
end
local function reached(from)
    local others = {}
    for number, host in hosts do
        if number ~= from then table.insert(others, host.address) end
    end
    local skip = #nodes[from]:log()
    process.spawn { cmd = { "python3", "-c", probe, hosts[from].address, table.unpack(others) }, name = "probe" }:wait()
    local said = eventually("all were asked", function()
        local new = nodes[from]:log():sub(skip + 1)
        local _, count = new:gsub("to ", "")
        return count == 3 and new:sub(-1) == "\n" and new
    end, { within = "20s" })
    local answered = ""
    for number, host in hosts do
        if said:find("to " .. host.address .. " yes", 1, true) then answered ..= number end
    end
    return answered
end
expect(reached(1) == "234", "before")
local ring = inject(partitions.majority_ring(hosts), { name = "ring" })
expect(reached(1) == "24" and reached(2) == "13" and reached(3) == "24" and reached(4) == "13", "ring")
ring:heal()
local bridge = inject(partitions.bridge(hosts), { name = "bridge" })
expect(reached(1) == "2" and reached(2) == "134" and reached(3) == "24" and reached(4) == "23", "bridge")
bridge:heal()
expect(reached(3) == "124", "after")
