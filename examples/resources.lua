-- Does a service survive when its resources run out, one after the other and together? (RE-001 to RE-004, ST-1 to ST-6)
-- Each row of `cases` is one experiment: what runs out, what a write may answer meanwhile. Then it must recover.
-- Needs root: the service gets a small filesystem of its own, in a mount namespace that ends with it.
-- needs: root, python3, unshare

local url = "http://127.0.0.1:18093"
local service

local function cpu() return stress.cpu { load = "90%", target = service } end
local function memory() return stress.memory { bytes = "64MiB", target = service, touch = true } end
local function disk() return stress.disk_fill { path = "/mnt", percent = "100%", target = service, force = true } end
local function files() return stress.fds { target = service, leave = 0 } end
local function crowd() return stress.connections { to = "127.0.0.1:18093", count = 200, rate = "400/s" } end

local cases = {
    { name = "busy cores", faults = { cpu }, writes = { 201 } },
    { name = "little memory", faults = { memory }, writes = { 201 } },
    { name = "a full disk", faults = { disk }, writes = { 507 } },
    -- Without a descriptor there is no connection either: refused, or never answered. A connection that ends meanwhile
    -- gives its descriptor back, and then it bears it.
    { name = "no descriptors", faults = { files }, writes = { 503, 0, 201 } },
    { name = "a crowd of connections", faults = { crowd }, writes = { 201 } },
    { name = "all at once", faults = { cpu, memory, disk, crowd }, writes = { 507 } },
}

setup(function()
    service = process.spawn {
        name = "store",
        cmd = { "unshare", "--mount", "sh", "-c",
            "mount -t tmpfs -o size=32m none /mnt && exec python3 lib/store.py 127.0.0.1 18093 /mnt" },
        ready = { http = url .. "/health", within = "20s" },
    }
end)

-- Always something new: what is written over takes no more room.
local function write()
    return http.put(url .. "/" .. uuid(), { body = string.rep("x", 10000), timeout = "2s", name = "item" }).status
end

for _, case in cases do
    experiment(case.name, function(x)
        x:steady_state("it is well", function(probe)
            probe:http("health", url .. "/health", { status = 200, within = "3s" })
            probe:fn("it stores", function() return write() == 201 end, { within = "5s" })
        end)
        x:step("run out", function(s)
            for _, fault in case.faults do
                s:inject(fault())
            end
            s:eventually("it says so, or bears it", function()
                return table.find(case.writes, write()) ~= nil
            end, { within = "10s" })
            expect("its process lives", service:running())
        end)
        x:recovers { within = "20s", stable_for = "300ms" }
    end)
end
