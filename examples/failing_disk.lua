-- What does a service do when its disk returns errors, or is slow? Its files are made to fail, and then to come late.
-- Needs root and /dev/fuse: a filesystem is put over the service's folder, which passes on what is not to fail.
-- needs: root, fuse, python3

local url = "http://127.0.0.1:18097"
local folder = `/tmp/rchaos-failing-disk-{uuid()}`

local service = process.spawn {
    name = "store",
    cmd = { "sh", "-c", `mkdir {folder}; trap 'kill $!; rm -rf {folder}; exit' TERM; python3 lib/store.py 127.0.0.1 18097 {folder} & wait` },
    ready = { http = url .. "/health", within = "20s" },
}

local function put(name) return http.put(url .. "/" .. name, { body = "x" }) end
local function get(name) return http.get(url .. "/" .. name) end

expect("it stores", put("before").status == 201)

local broken = inject(stress.io_errors { path = folder, errno = "EIO", on = { "read", "write" } }, { must_hit = true })
expect("reading fails, and it says so", get("before").status == 500)
expect("writing fails, and it says so", put("during").status == 500)
expect("it lives", get("health").status == 200)
broken:heal()
expect("nothing was lost", get("before").status == 200)

local slow = inject(stress.io_errors { path = folder, delay = "200ms", on = { "read" }, share = "50%" })
local late = 0
for _ = 1, 10 do
    if get("before").timings.total > 200 then late += 1 end
end
expect("some reads are late", late > 0)
slow:heal()
expect("reads are fast again", get("before").timings.total < 200)
expect("the service is the same process", service:running())
