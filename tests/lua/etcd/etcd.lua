-- A member alone: it leads itself, keeps what it is given, and gives it back.
-- needs: etcd
local url, peer = "http://127.0.0.1:26100", "http://127.0.0.1:26101"
process.spawn {
    cmd = { "sh", "-c", 'd=$(mktemp -d); trap \'kill $p; wait; rm -rf "$d"; exit\' TERM; etcd --data-dir "$d" "$@" & p=$!; wait $p', "sh",
        "--name", "one", "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer,
        "--initial-advertise-peer-urls", peer, "--initial-cluster", "one=" .. peer, "--log-level", "error" },
}
local cluster = etcd.cluster { members = { url } }
local leader, took = cluster:wait_leader { within = "30s" }
expect("it leads", leader == 1 and took >= 0 and cluster:status(1).leads)
expect("alone", cluster:split() == nil)
for _, value in { "", "a", "ab", "abc", "ä\0\255 and more" } do
    expect("it is kept", cluster:put("key/" .. #value, value) and cluster:get("key/" .. #value) == value)
end
local all = cluster:list("key/")
expect("all of them", all["key/3"] == "abc" and all["key/0"] == "")
local value, answered = cluster:get("nothing")
expect("none", value == nil and answered)
expect("the same as itself", (cluster:same()))

local nobody = etcd.cluster { members = { "http://127.0.0.1:26102" }, timeout = "200ms" }
expect("nobody answers", nobody:leader() == nil and not nobody:put("a", "b") and nobody:list("a") == nil and nobody:status(1) == nil)
local _, heard = nobody:get("a")
expect("and nobody said so", heard == false)
expect("it is not the same", not nobody:same())
