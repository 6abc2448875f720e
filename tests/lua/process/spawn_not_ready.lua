-- One that ends before it is ready shows how, and what it wrote.
-- exit: 5
-- stderr: process.spawn: server ended before it was ready: exit code 3; it wrote: port is taken
process.spawn {
    cmd = { "sh", "-c", "echo port is taken >&2; exit 3" },
    name = "server",
    ready = { port = 1 },
}
