"""A name server that knows one name, and a service that asks for it, to be disturbed.

Usage: names.py serve ADDRESS NAME ANSWER
       names.py use HOST PORT SERVER NAME
The service answers with the address it would call: 200 with what it was told now, 203 with what it was told before
because nobody told it anything now, 503 if it knows nothing.
"""

import os
import socket
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return labels + b"\0" + struct.pack("!HH", 1, 1)


def serve(address, name, answer):
    asked = question(name)
    known = struct.pack("!HHHIH", 0xC00C, 1, 1, 5, 4) + socket.inet_aton(answer)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    print("ready", flush=True)
    while True:
        query, peer = server.recvfrom(512)
        found = query[12 : 12 + len(asked)] == asked
        header = query[:2] + struct.pack("!HHHHH", 0x8180 if found else 0x8183, 1, int(found), 0, 0)
        server.sendto(header + query[12:] + (known if found else b""), peer)


def look_up(server, name):
    """The address; None if there is none. Raises when the server fails or does not answer."""
    query = os.urandom(2) + struct.pack("!HHHHH", 0x100, 1, 0, 0, 0) + question(name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ask:
        ask.settimeout(1)
        ask.connect((server, 53))
        ask.send(query)
        reply = ask.recv(512)
    flags, _, count = struct.unpack("!HHH", reply[2:8])
    if flags & 15 not in (0, 3):
        raise OSError(f"code {flags & 15}")
    return socket.inet_ntoa(reply[-4:]) if count else None


def use(host, port, server, name):
    class Service(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        last = None

        def do_GET(self):
            status = 200
            try:
                Service.last = look_up(server, name) or Service.last
            except OSError:
                status = 203
            body = (Service.last or "").encode()
            self.send_response(status if body else 503)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    service = ThreadingHTTPServer((host, int(port)), Service)
    print("ready", flush=True)
    service.serve_forever()


if __name__ == "__main__":
    {"serve": serve, "use": use}[sys.argv[1]](*sys.argv[2:])
