-- Experiment 3: disk pressure. Is it detected, does the service only become slower or say that there is no room, and does it
-- recover? As in the plan: --env SIZE=256MiB --env HOLD=30m, on a disk that has room for it.
-- Needs root: the stand-in gets a small disk of its own, in a mount namespace that ends with it.
-- needs: root, python3, unshare

local url = "http://127.0.0.1:18096"
local hold = env("HOLD", "1s")
local service

setup(function()
    service = process.spawn {
        name = "provider",
        cmd = { "unshare", "--mount", "sh", "-c",
            "mount -t tmpfs -o size=64m none /mnt && exec python3 lib/store.py 127.0.0.1 18096 /mnt" },
        cwd = "..",
        ready = { http = url .. "/health", within = "20s" },
    }
    expect("it stores", http.put(url .. "/order", { body = "order" }).status == 201)
end)

scenario("orders", { rate = "20/s", duration = "12h", max_vus = 50 }, function()
    http.get(url .. "/order", { timeout = "2s", name = "order" })
end)

-- Always something new: what is written over takes no more room.
local function write()
    return http.put(url .. "/" .. uuid(), { body = string.rep("x", 100000), timeout = "5s", name = "write" }).status
end
local function pressed()
    local answer = http.get(url .. "/status", { timeout = "2s", name = "status" })
    return answer.status == 200 and answer:json().warnings[1] == "disk"
end

experiment("exp-3 disk pressure: 4 workers", function(x)
    x:steady_state("orders are served and taken", function(probe)
        probe:http("health", url .. "/health", { status = 200, within = "2s" })
        probe:metric("orders", "http_req_failed{name:order}", "rate < 1%", { window = "1s" })
        probe:fn("no pressure", function() return not pressed() end, { within = "3s" })
    end)
    x:load("orders")
    x:sleep("1s") -- what is normal, to compare with
    x:step("4 workers write, and the disk fills up", function(s)
        s:inject(stress.disk_io {
            path = "/mnt", workers = 4, size = env("SIZE", "4MiB"), block = "64KiB", read_ratio = "0%", sync = true, target = service,
        }, { name = "writers" })
        s:inject(stress.disk_fill { path = "/mnt", leave_free = env("LEAVE", "2MiB"), target = service }, { name = "fill" })
        s:eventually("the service detects it", pressed, { within = "10s" })
        s:sleep(hold)
        local first, last
        for _ = 1, 40 do
            last = write()
            first = first or last
            if last == 507 then break end
        end
        expect("small orders are taken while there is room", first == 201)
        expect("then it says that there is none", last == 507)
        expect("what it has is served", http.get(url .. "/order").status == 200)
        expect("it has not crashed", service:running())
    end)
    -- What it took meanwhile stays: with that the disk is nearly as full as before.
    local took = x:recovers { within = "30s", stable_for = "500ms" }
    log.info("recovered", { scenario = "exp-3", after_ms = math.floor(took) })
    x:expect("orders are taken again", function() return write() == 201 end)
end)
