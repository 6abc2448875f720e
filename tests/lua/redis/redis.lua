-- Commands, keys and the digest of a server; no answer is data.
-- needs: redis-server, redis-cli
process.spawn {
    cmd = { "redis-server", "--port", "26110", "--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "local" },
    ready = { port = 26110, within = "20s" },
}
local server = redis.connect { port = 26110 }
expect("up", server:up())
expect("kept", server:command("SET", "a key", "a value") == "OK" and server:command("GET", "a key") == "a value")
local before = server:state()
expect("many", #server:pipe { "SET b 1", "SET c 2" } == 2)
expect("counted", server:keys() == 3 and server:keys("[bc]") == 2 and server:keys("z*") == 0)
expect("another digest", before.digest ~= server:state().digest and before.keys == 1)
expect("info", server:info("server").redis_version)
local answer, problem = server:command("INCR", "a key")
expect("an error is data", answer == nil and string.find(problem, "not an integer", 1, true), problem)
local nobody = redis.connect { port = 26111 }
local nothing, why = nobody:command("PING")
expect("nobody answers", nothing == nil and #why > 0 and not nobody:up() and nobody:keys() == nil)
