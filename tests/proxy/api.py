"""Toxiproxy's HTTP API, request by request: status, text and shape of every answer."""

import http.client
import json
import socket
import sys

PORT = int(sys.argv[1])
failed = []


def call(method, path, body=None, agent="toxiproxy-cli"):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    text = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
    connection.request(method, path, text, {"User-Agent": agent, "Content-Type": "application/json"})
    response = connection.getresponse()
    data = response.read().decode()
    headers = {name.lower(): value for name, value in response.getheaders()}
    connection.close()
    return response.status, data, headers


def check(name, actual, wanted):
    if actual != wanted:
        failed.append(name)
        print(f"FAILED {name}\n  wanted {wanted!r}\n  got    {actual!r}")


def error(name, answer, status, text):
    check(name, answer[0], status)
    check(name, answer[1], json.dumps({"error": text, "status": status}, separators=(",", ":")) + "\n")
    check(name, answer[2].get("content-type"), "text/plain; charset=utf-8")
    check(name, answer[2].get("x-content-type-options"), "nosniff")


def up(listen):
    host, port = listen.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 2).close()
        return True
    except ConnectionRefusedError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# What Toxiproxy says of bodies that are no JSON, or no proxy.
MALFORMED = [
    ("x", "invalid character 'x' looking for beginning of value"),
    ('{"name"}', "invalid character '}' after object key"),
    ('{"name":"a",}', "invalid character '}' looking for beginning of object key string"),
    ("{'name':1}", "invalid character '\\'' looking for beginning of object key string"),
    ('{"a":01}', "invalid character '1' after object key:value pair"),
    ('{"a":tru}', "invalid character '}' in literal true (expecting 'e')"),
    ('{"a":"\\q"}', "invalid character 'q' in string escape code"),
    ('{"name":', "unexpected EOF"),
    ("[]", "json: cannot unmarshal array into Go value of type toxiproxy.Proxy"),
    ("1e999", "json: cannot unmarshal number into Go value of type toxiproxy.Proxy"),
]


def service():
    status, data, headers = call("GET", "/version")
    check("version", (status, set(json.loads(data))), (200, {"version"}))
    check("version ends its line", data.endswith('"}\n') and data.startswith('{"version": "'), True)
    check("version type", headers["content-type"], "application/json;charset=utf-8")
    check("request id", bool(headers.get("x-toxiproxy-request-id")), True)
    check("browser", call("GET", "/proxies", agent="Mozilla/5.0 (X)")[:2], (403, "User agent not allowed\n"))
    check("wget", call("GET", "/proxies", agent="Wget/2.1")[0], 200)
    check("no route", call("GET", "/walrus")[:2], (404, "404 page not found\n"))
    status, _, headers = call("GET", "//proxies/./a/../b?x=1")
    check("cleaned", (status, headers["location"]), (301, "/proxies/b?x=1"))
    check("no counters, no number", "x-toxiproxy-request-id" in call("GET", "/metrics")[2], False)
    check("wrong method", call("PUT", "/proxies")[0], 405)
    check("metrics off", call("GET", "/metrics")[0], 404)
    check("nothing yet", call("GET", "/proxies")[:2], (200, "{}"))


def create():
    error("blank name", call("POST", "/proxies", {"name": "", "listen": "", "upstream": ""}), 400, "missing required field: name")
    error("blank upstream", call("POST", "/proxies", {"name": "test"}), 400, "missing required field: upstream")
    error("empty body", call("POST", "/proxies", ""), 400, "bad request body: EOF")
    status, data, _ = call("POST", "/proxies", "{not json")
    check("malformed", (status, data.startswith('{"error":"bad request body: ')), (400, True))
    status, data, _ = call("POST", "/proxies", {"name": 5, "upstream": "x:1"})
    check("wrong type", (status, "cannot unmarshal number" in data), (400, True))
    for text, said in MALFORMED:
        error(text, call("POST", "/proxies", text), 400, f"bad request body: {said}")
    error("logger", call("POST", "/proxies", {"name": "a", "upstream": "x:1", "Logger": 1}), 400, "bad request body: json: cannot unmarshal number into Go struct field Proxy.Logger of type zerolog.Logger")
    error("two wrong", call("POST", "/proxies", {"enabled": 1, "name": 2}), 400, "bad request body: json: cannot unmarshal number into Go struct field Proxy.enabled of type bool")
    error("bracket", call("POST", "/proxies", {"name": "a", "upstream": "x:1", "listen": "[::1"}), 500, "listen tcp: address [::1: missing ']' in address")
    error("service", call("POST", "/proxies", {"name": "a", "upstream": "x:1", "listen": "127.0.0.1:walrus"}), 500, "listen tcp: address tcp/walrus: unknown port")
    port = free_port()
    status, data, headers = call("POST", "/proxies", {"name": "db", "listen": f"localhost:{port}", "upstream": "localhost:1", "toxics": [{"type": "timeout"}]})
    wanted = {"name": "db", "listen": f"127.0.0.1:{port}", "upstream": "localhost:1", "enabled": True, "Logger": {}, "toxics": []}
    check("created", (status, json.loads(data)), (201, wanted))
    check("key order", list(json.loads(data)), list(wanted))
    check("json type", headers["content-type"], "application/json")
    check("listens", up(f"127.0.0.1:{port}"), True)
    error("name taken", call("POST", "/proxies", {"name": "db", "listen": "", "upstream": "x:1"}), 409, "proxy already exists")
    error("port taken", call("POST", "/proxies", {"name": "b", "listen": f"localhost:{port}", "upstream": "x:1"}), 500, f"listen tcp 127.0.0.1:{port}: bind: address already in use")
    error("no port", call("POST", "/proxies", {"name": "b", "listen": "local373", "upstream": "x:1"}), 500, "listen tcp: address local373: missing port in address")
    check("not made", call("GET", "/proxies/b")[0], 404)
    status, data, _ = call("POST", "/proxies", {"name": "off", "listen": "localhost:0", "upstream": "x:1", "enabled": False})
    check("disabled keeps its text", (status, json.loads(data)["listen"], json.loads(data)["enabled"]), (201, "localhost:0", False))
    check("index", sorted(json.loads(call("GET", "/proxies")[1])), ["db", "off"])
    error("unknown proxy", call("GET", "/proxies/none"), 404, "proxy not found")
    return port


def update(port):
    for method in ("POST", "PATCH"):
        data = json.loads(call(method, "/proxies/db", {"enabled": False})[1])
        check(f"{method} off", (data["enabled"], up(f"127.0.0.1:{port}")), (False, False))
        data = json.loads(call(method, "/proxies/db", {"enabled": True, "name": "other"})[1])
        check(f"{method} on", (data["enabled"], data["name"], up(f"127.0.0.1:{port}")), (True, "db", True))
    check("null leaves it", json.loads(call("POST", "/proxies/db", '{"enabled":null}')[1])["enabled"], True)
    other = free_port()
    data = json.loads(call("POST", "/proxies/db", {"listen": f"127.0.0.1:{other}", "upstream": "localhost:2"})[1])
    check("moved", (data["listen"], data["upstream"]), (f"127.0.0.1:{other}", "localhost:2"))
    check("moved away", (up(f"127.0.0.1:{port}"), up(f"127.0.0.1:{other}")), (False, True))
    error("update unknown", call("POST", "/proxies/none", {}), 404, "proxy not found")
    error("update malformed", call("POST", "/proxies/db", ""), 400, "bad request body: EOF")
    error("update no port", call("POST", "/proxies/db", {"listen": "local373"}), 500, "address local373: missing port in address")


def toxics():
    path = "/proxies/db/toxics"
    check("none", call("GET", path)[:2], (200, "[]"))
    error("of no proxy", call("POST", "/proxies/none/toxics", {"type": "latency"}), 404, "proxy not found")
    error("stream", call("POST", path, {"type": "walrus", "stream": "walrustream"}), 400, "stream was invalid, can be either upstream or downstream")
    error("type", call("POST", path, {"type": "walrus"}), 400, "invalid toxic type")
    status, data, _ = call("POST", path, {"type": "latency", "attributes": {"latency": 100, "jitter": 10, "unknown": 1}})
    wanted = '{"attributes":{"latency":100,"jitter":10},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}'
    check("added with 200", (status, data), (200, wanted))
    markup = call("POST", path, {"type": "noop", "name": "<&>"})[1]
    check("markup", '"name":"\\u003c\\u0026\\u003e"' in markup, True)
    check("unmarked", call("DELETE", path + "/%3C%26%3E")[0], 204)
    error("attributes", call("POST", path, {"type": "latency", "name": "a", "attributes": []}), 400, "bad request body: json: cannot unmarshal array into Go struct field ToxicWrapper.attributes of type toxics.NoopToxic")
    error("slices", call("POST", path, {"type": "slicer", "attributes": {"average_size": "1"}}), 400, "bad request body: json: cannot unmarshal string into Go struct field SlicerToxic.attributes.average_size of type int")
    error("exponent", call("POST", path, '{"type":"latency","name":"a","attributes":{"latency":1e3}}'), 400, "bad request body: json: cannot unmarshal number 1e3 into Go struct field LatencyToxic.attributes.latency of type int64")
    error("update share", call("POST", path + "/latency_downstream", {"toxicity": "1"}), 400, "bad request body: json: cannot unmarshal string into Go struct field .toxicity of type float32")
    error("taken", call("POST", path, {"type": "latency", "attributes": {"latency": "x"}}), 409, "toxic already exists")
    error("taken across streams", call("POST", path, {"name": "latency_downstream", "type": "noop", "stream": "upstream"}), 409, "toxic already exists")
    error("fraction", call("POST", path, {"type": "timeout", "attributes": {"timeout": 1.5}}), 400, "bad request body: json: cannot unmarshal number 1.5 into Go struct field TimeoutToxic.attributes.timeout of type int64")
    check("upstream first", [t["name"] for t in (call("POST", path, {"type": "latency", "stream": "UPSTREAM", "name": "up"}), json.loads(call("GET", path)[1]))[1]], ["up", "latency_downstream"])
    for method in ("POST", "PATCH"):
        status, data, _ = call(method, path + "/latency_downstream", {"attributes": {"latency": 7}, "toxicity": 0.2, "stream": "upstream", "name": "x"})
        data = json.loads(data)
        check("merged", (status, data["attributes"], data["toxicity"], data["stream"], data["name"]), (200, {"latency": 7, "jitter": 10}, 0.2, "downstream", "latency_downstream"))
    check("shown", json.loads(call("GET", path + "/latency_downstream")[1])["toxicity"], 0.2)
    error("toxic unknown", call("GET", path + "/none"), 404, "toxic not found")
    error("update toxic unknown", call("POST", path + "/none", {}), 404, "toxic not found")
    error("remove toxic unknown", call("DELETE", path + "/none"), 404, "toxic not found")
    check("removed", call("DELETE", path + "/up")[:2], (204, ""))
    defaults = {"bandwidth": ["rate"], "slow_close": ["delay"], "timeout": ["timeout"], "reset_peer": ["timeout"], "slicer": ["average_size", "size_variation", "delay"], "limit_data": ["bytes"], "noop": [], "packet_loss": ["loss_rate", "correlation"]}
    for kind, names in defaults.items():
        data = json.loads(call("POST", path, {"type": kind})[1])
        check(kind, list(data["attributes"]), names)
        values = [0.1, 0] if kind == "packet_loss" else [0] * len(names)
        check(f"{kind} defaults", list(data["attributes"].values()), values)
    check("reset", call("POST", "/reset")[:2], (204, ""))
    proxies = json.loads(call("GET", "/proxies")[1])
    check("reset starts all", [(p["enabled"], p["toxics"]) for p in proxies.values()], [(True, []), (True, [])])


def populate():
    one, two, bad = free_port(), free_port(), "local373"
    error_body = lambda answer: {k: json.loads(answer[1])[k] for k in ("error", "status")}
    answer = call("POST", "/populate", [{"name": "one", "listen": f"localhost:{one}", "upstream": "x:1"}, {"name": ""}])
    check("populate validates first", (answer[0], json.loads(answer[1])), (400, {"error": "missing required field: name at proxy 2", "status": 400, "proxies": None}))
    check("nothing was made", call("GET", "/proxies/one")[0], 404)
    answer = call("POST", "/populate", [{"name": "one", "listen": f"localhost:{one}", "upstream": "x:1", "enabled": None}, {"name": "two", "listen": f"localhost:{two}", "upstream": "x:1", "enabled": False}])
    proxies = json.loads(answer[1])["proxies"]
    check("populated", (answer[0], [(p["name"], p["enabled"]) for p in proxies]), (201, [("one", True), ("two", False)]))
    call("POST", "/proxies/one/toxics", {"type": "latency"})
    again = json.loads(call("POST", "/populate", [{"name": "one", "listen": f"localhost:{one}", "upstream": "x:1"}])[1])["proxies"]
    check("the same keeps its toxics", [t["name"] for t in again[0]["toxics"]], ["latency_downstream"])
    other = json.loads(call("POST", "/populate", [{"name": "one", "listen": f"localhost:{one}", "upstream": "x:2"}])[1])["proxies"]
    check("another replaces it", (other[0]["upstream"], other[0]["toxics"]), ("x:2", []))
    answer = call("POST", "/populate", [{"name": "one", "listen": f"localhost:{one}", "upstream": "x:3"}, {"name": "three", "listen": bad, "upstream": "x:1"}])
    check("partly", (error_body(answer), len(json.loads(answer[1])["proxies"])), ({"error": "listen tcp: address local373: missing port in address", "status": 500}, 1))
    check("populate malformed", call("POST", "/populate", "{")[0], 400)
    kind = 'struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }'
    for body, said in [("{}", f"object into Go value of type []{kind}"), ("[1]", f"number into Go value of type {kind}"), ('[{"name":1}]', "number into Go struct field .name of type string")]:
        check(f"populate {body}", json.loads(call("POST", "/populate", body)[1]), {"error": f"bad request body: json: cannot unmarshal {said}", "status": 400, "proxies": None})
    for name in ("one", "two", "db", "off"):
        check(f"delete {name}", call("DELETE", f"/proxies/{name}")[:2], (204, ""))
    error("delete unknown", call("DELETE", "/proxies/one"), 404, "proxy not found")
    check("port is free again", up(f"127.0.0.1:{one}"), False)


def extras():
    toxics = [{"type": "latency", "attributes": {"latency": 5}}, {"type": "walrus"}]
    proxy = {"name": "whole", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "toxics": toxics}
    error("all or nothing", call("POST", "/faults/proxies", proxy), 400, "invalid toxic type")
    check("nothing", call("GET", "/proxies/whole")[0], 404)
    proxy["toxics"].pop()
    status, data, _ = call("POST", "/faults/proxies", proxy)
    check("at once", (status, [t["name"] for t in json.loads(data)["toxics"]]), (201, ["latency_downstream"]))
    fault = json.loads(call("GET", "/faults")[1])[0]
    check("never hit", (fault["proxy"], fault["name"], fault["hit"], fault["bytes"]), ("whole", "latency_downstream", 0, 0))
    call("DELETE", "/proxies/whole")
    datagrams()
    check("no faults", call("GET", "/faults")[1], "[]")


def datagrams():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(10)
    dns = {"name": "dns", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{server.getsockname()[1]}", "protocol": "udp"}
    status, data, _ = call("POST", "/proxies", dns)
    data = json.loads(data)
    check("udp", (status, data["protocol"]), (201, "udp"))
    error("udp has no stream to slice", call("POST", "/proxies/dns/toxics", {"type": "slicer"}), 400, "toxic type slicer does not suit a udp proxy")
    error("no such protocol", call("POST", "/proxies", {**dns, "name": "x", "protocol": "sctp"}), 400, 'bad request body: unknown protocol "sctp"; write "tcp" or "udp"')
    error("fixed", call("POST", "/proxies/dns", {"protocol": "tcp"}), 400, "bad request body: protocol cannot be changed; delete the proxy and make it again")
    check("other changes", json.loads(call("POST", "/proxies/dns", {"enabled": True})[1])["enabled"], True)
    whole = {**dns, "name": "y", "toxics": [{"type": "limit_data"}]}
    error("udp at once", call("POST", "/faults/proxies", whole), 400, "toxic type limit_data does not suit a udp proxy")
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(10)
    host, port = data["listen"].rsplit(":", 1)
    def ask(question):
        client.sendto(question, (host, int(port)))
        data, peer = server.recvfrom(65536)
        server.sendto(data[::-1], peer)
        return client.recv(65536)
    check("asked", ask(b"question"), b"noitseuq")
    for kind, names, values in [("duplicate", ["duplicate_rate"], [0.1]), ("reorder", ["reorder_rate", "gap", "hold"], [0.1, 1, 100])]:
        toxic = json.loads(call("POST", "/proxies/dns/toxics", {"type": kind, "toxicity": 0})[1])
        check(kind, (list(toxic["attributes"]), list(toxic["attributes"].values())), (names, values))
    call("POST", "/proxies/dns/toxics", {"type": "duplicate", "name": "twice", "attributes": {"duplicate_rate": 1}})
    check("first", ask(b"ab"), b"ba")
    check("second", client.recv(65536), b"ba")
    fault = json.loads(call("GET", "/faults")[1])[-1]
    check("udp hit", (fault["name"], fault["hit"], fault["bytes"]), ("twice", 1, 2))
    check("populate keeps it", len(json.loads(call("POST", "/populate", [{**dns, "listen": data["listen"]}])[1])["proxies"][0]["toxics"]), 3)
    check("dns gone", call("DELETE", "/proxies/dns")[0], 204)


service()
moved = create()
update(moved)
toxics()
populate()
extras()
print(f"{len(failed)} failed")
sys.exit(bool(failed))
