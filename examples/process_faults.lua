-- What becomes of a service whose process hangs, or dies? One of its own is started, paused and killed.
-- needs: python3

local url = "http://127.0.0.1:18091"

-- A service that is started again whenever it ends, as a service manager does it.
local service = process.spawn {
    name = "store",
    cmd = { "sh", "-c", "while :; do python3 lib/store.py 127.0.0.1 18091 /tmp; sleep 0.2; done" },
    ready = { http = url .. "/health", within = "20s" },
}
-- By its port, whatever its name or pid is.
local store = process.find { port = 18091 }

local function status()
    return http.get(url .. "/health", { timeout = "500ms" }).status
end

local pid = store:list()[1].pid
log.info(`the store is process {pid}, started by {service.pid}`)

-- It hangs: connections are accepted by the kernel, and nobody answers.
local hang = inject(store:pause(), { name = "hang" })
expect("a hung service does not answer", status() == 0)
hang:heal()
eventually("it answers again", function() return status() == 200 end, { within = "10s" })
expect("it is the same process", store:list()[1].pid == pid)

-- It dies.
inject(store:kill("SIGKILL"), { name = "death" })
eventually("another one has taken its place", function()
    return status() == 200 and store:list()[1].pid ~= pid
end, { within = "20s" })
