-- RE-001 to RE-005 and ST-1 to ST-6: what does a service under load do when something runs out, and how soon is it well
-- again? Each row is one experiment: what runs out, and what may be answered meanwhile. One more is one more row.
-- Times and sizes as in the plan: --env HOLD=60s --env CONNECTIONS=1000 --env GPU=yes (RE-005, where a GPU is).
-- Needs root: the service gets a small disk of its own, in a mount namespace, and limits by a control group.
-- needs: root, cgroup, python3, unshare

local url = "http://127.0.0.1:18094"
local hold = env("HOLD", "500ms")
local service

local function disk() return stress.disk_fill { path = "/mnt", percent = "100%", target = service, force = true } end
local function crowd()
    local count = tonumber(env("CONNECTIONS", "150"))
    return stress.connections { to = "127.0.0.1:18094", count = count, rate = "400/s", slow = true }
end
-- A few are left, for which many wait: a descriptor that comes free is gone again at once.
local function files() return stress.fds { target = service, leave = 20 } end
local function takers() return stress.connections { to = "127.0.0.1:18094", count = 60, slow = true } end
-- What stands beside the service in its own limits takes them from it; the kernel may end that, not the service.
local function memory(percent)
    return function() return stress.memory { percent = percent, target = service, oomable = true } end
end
local function cpu() return stress.cpu { load = "100%", workers = 1, target = service } end
local function limits() return service:limit { cpu = "50%", memory = "96MiB" } end

local cases = {
    { id = "RE-001, ST-3", title = "the disk is full", faults = { disk }, reads = { 200 }, writes = { 507 } },
    { id = "RE-002, ST-2", title = "95% of its memory", faults = { limits, memory("95%") }, reads = { 200 }, writes = { 201 } },
    { id = "RE-003, ST-1", title = "no processor time", faults = { limits, cpu }, reads = { 200 }, writes = { 201 } },
    { id = "RE-004, ST-4", title = "no descriptors", faults = { files, takers }, reads = { 0, 503 }, writes = { 0, 503 } },
    { id = "ST-5", title = "a crowd of connections", faults = { crowd }, reads = { 200 }, writes = { 201 } },
    { id = "ST-6", title = "all at once", faults = { limits, cpu, memory("80%"), disk, crowd }, reads = { 200 }, writes = { 507 } },
}
if env("GPU") then
    local function gpu() return stress.gpu_memory { share = "100%" } end
    table.insert(cases, { id = "RE-005", title = "no memory of the GPU", faults = { gpu }, reads = { 200 }, writes = { 201 } })
end

setup(function()
    service = process.spawn {
        name = "store",
        cmd = { "unshare", "--mount", "sh", "-c",
            "mount -t tmpfs -o size=32m none /mnt && exec python3 lib/store.py 127.0.0.1 18094 /mnt" },
        cwd = "..",
        ready = { http = url .. "/health", within = "20s" },
    }
    expect("it stores", http.put(url .. "/known", { body = "known" }).status == 201)
end)

local function read()
    return http.get(url .. "/known", { timeout = "3s", headers = { connection = "close" }, name = "read" }).status
end
-- Always something new: what is written over takes no more room.
local function write()
    return http.put(url .. "/" .. uuid(), { body = string.rep("x", 4096), timeout = "3s", name = "write" }).status
end

scenario("use", { rate = "20/s", duration = "12h", max_vus = 100 }, read)

for _, case in cases do
    experiment(`{case.id} {case.title}`, function(x)
        x:steady_state("it is well", function(probe)
            probe:http("health", url .. "/health", { status = 200, within = "3s" })
            probe:fn("it stores", function() return write() == 201 end, { within = "5s" })
        end)
        x:load("use")
        x:step(case.title, function(s)
            for _, fault in case.faults do
                s:inject(fault())
            end
            s:sleep(hold)
            s:eventually("reads are answered as they should", function()
                return table.find(case.reads, read()) ~= nil
            end, { within = "10s" })
            s:eventually("writes are answered as they should", function()
                return table.find(case.writes, write()) ~= nil
            end, { within = "10s" })
            expect("its process lives", service:running())
        end)
        local took = x:recovers { within = "20s", stable_for = "300ms" }
        log.info("recovered", { scenario = case.id, after_ms = math.floor(took) })
    end)
end
