"""Drives the server with toxiproxy-python, a client that was written for Toxiproxy."""

import socket
import sys
import threading
import time

from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

server = Toxiproxy()
server.update_api_consumer("127.0.0.1", int(sys.argv[1]))


def echo():
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return "127.0.0.1:%d" % listener.getsockname()[1]


def connect(proxy):
    host, port = proxy.listen.rsplit(":", 1)
    return socket.create_connection((host, int(port)), 5)


def round_trip(connection):
    begin = time.monotonic()
    connection.sendall(b"ping")
    assert connection.recv(4) == b"ping"
    return time.monotonic() - begin


def raises(error, call):
    try:
        call()
    except error:
        return
    raise AssertionError("expected %s" % error)


assert server.running() and b'"version"' in server.version()
server.destroy_all()
upstream = echo()
proxy = server.create(upstream=upstream, name="echo", enabled=True)
assert proxy.enabled and not proxy.listen.endswith(":0"), proxy.listen
assert server.get_proxy("echo").upstream == upstream
raises(ProxyExists, lambda: server.create(upstream=upstream, name="echo"))

with connect(proxy) as connection:
    assert round_trip(connection) < 0.2
    proxy.add_toxic(type="latency", attributes={"latency": 300})
    assert proxy.get_toxic("latency_downstream").attributes == {"latency": 300, "jitter": 0}
    took = round_trip(connection)
    assert 0.295 < took < 0.6, took
    raises(ProxyExists, lambda: proxy.add_toxic(type="latency"))
    raises(InvalidToxic, lambda: proxy.add_toxic(type="walrus"))
    assert proxy.destroy_toxic("latency_downstream")
    raises(NotFound, lambda: proxy.destroy_toxic("latency_downstream"))
    assert round_trip(connection) < 0.2

    with proxy.down():
        assert connection.recv(1) == b""
        raises(ConnectionRefusedError, lambda: connect(proxy))
with connect(proxy) as connection:
    round_trip(connection)

proxy.add_toxic(type="reset_peer", stream="upstream")
with connect(proxy) as connection:
    raises(ConnectionResetError, lambda: round_trip(connection))
proxy.disable()
assert server.reset()
assert server.get_proxy("echo").enabled and proxy.toxics() == {}
with connect(proxy) as connection:
    round_trip(connection)

made = server.populate([{"name": "a", "upstream": upstream, "listen": "127.0.0.1:0"}])
assert [each.name for each in made] == ["a"] and set(server.proxies()) == {"echo", "a"}
server.destroy_all()
assert server.proxies() == {}
raises(NotFound, proxy.destroy)
print("toxiproxy-python is content")
