-- A spawned program runs until its scope ends; what it wrote is there.
local program = process.spawn {
    cmd = { "sh", "-c", "echo hello from $WHO; trap 'exit 0' TERM; while :; do sleep 0.05; done" },
    env = { WHO = "the program" },
    ready = { log = "hello", within = "20s" },
}
expect("it has a pid", program.pid > 1)
expect("it runs", program:running())
expect("its output is kept", program:log() == "hello from the program\n")
program:stop()
expect("it has ended", not program:running())
