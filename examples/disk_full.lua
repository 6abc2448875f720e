-- What does a service answer when its disk is full, and does it recover? (RE-001, ST-3)
-- Needs root: the service gets a small filesystem of its own, in a mount namespace that ends with it.
-- needs: root, python3, unshare

local url = "http://127.0.0.1:18092"
local serve = "mount -t tmpfs -o size=32m none /mnt && exec python3 lib/store.py 127.0.0.1 18092 /mnt"

local service = process.spawn {
    name = "store",
    cmd = { "unshare", "--mount", "sh", "-c", serve },
    ready = { http = url .. "/health", within = "20s" },
}

local function put(name, bytes)
    return http.put(url .. "/" .. name, { body = string.rep("x", bytes) }).status
end

expect("it stores", put("before", 100000) == 201)

-- `target`: the path is seen with the service's eyes. `force`: no reserve is left.
local full = inject(stress.disk_fill { path = "/mnt", percent = "100%", target = service, force = true })
expect("it says that there is no room", put("during", 100000) == 507)
expect("what it has can be read", http.get(url .. "/before").status == 200)
expect("it is healthy", http.get(url .. "/health").status == 200)

full:heal()
expect("it stores again", put("after", 100000) == 201)
