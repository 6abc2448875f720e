-- How do I break something on another machine? An agent there holds the fault, started by any command that reaches it.

options { agents = {
    db1 = {
        -- In earnest: command = { "ssh", "db1", "rchaos", "agent" }. Here the other machine is this one, and the
        -- agent is the program that runs this script.
        command = { "sh", "-c", 'exec /proc/$PPID/exe agent "$@"', "sh" },
    },
} }

local db = process.spawn { cmd = { "sleep", "60" }, name = "db", host = host("db1") }

-- Held over there: healed when this script ends, also if the connection or anything else is lost.
local nap = inject(db:pause(), { name = "db hangs", ttl = "30s" })
expect(nap.active, "it is paused")
nap:heal()
