"""A small service in front of PostgreSQL, to be disturbed: reads are answered from a cache when the database does not
answer, writes are accepted and tried again until it does.

Usage: orders.py HOST PORT DATABASE_HOST DATABASE_PORT USER
"""

import json
import queue
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE = 0.5


class Database:
    """As much of PostgreSQL's protocol as a statement without parameters takes."""

    def __init__(self):
        self.socket = None

    def take(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise OSError("the database has hung up")
            data += part
        return data

    def messages(self):
        """Kind and body of each message, until the server waits for the next statement."""
        while True:
            kind, length = struct.unpack("!cI", self.take(5))
            body = self.take(length - 4)
            if kind == b"E":
                raise OSError(body.decode(errors="replace"))
            if kind == b"Z":
                return
            yield kind, body

    def connect(self):
        self.socket = socket.create_connection((sys.argv[3], int(sys.argv[4])), PATIENCE)
        self.socket.settimeout(PATIENCE)
        words = f"user\0{sys.argv[5]}\0database\0postgres\0\0".encode()
        self.socket.sendall(struct.pack("!II", 8 + len(words), 196608) + words)
        for _ in self.messages():
            pass

    def run(self, statement):
        """The first column of each row."""
        try:
            if self.socket is None:
                self.connect()
            text = statement.encode() + b"\0"
            self.socket.sendall(b"Q" + struct.pack("!I", 4 + len(text)) + text)
            rows = []
            for kind, body in self.messages():
                if kind == b"D":
                    (length,) = struct.unpack("!i", body[2:6])
                    rows.append(body[6 : 6 + length].decode())
            return rows
        except OSError:
            if self.socket is not None:
                self.socket.close()
            self.socket = None
            raise


class Shelf:
    """What is known without the database, and what it has yet to be told."""

    lock = threading.Lock()
    reader = Database()
    cached = None
    asked = 0.0
    waiting = queue.Queue()
    pending = 0


def writer():
    database = Database()
    while True:
        item = Shelf.waiting.get()
        while True:
            try:
                # Told twice it is there once.
                database.run(f"insert into orders values ({item}) on conflict do nothing")
                break
            except OSError:
                time.sleep(0.2)
        with Shelf.lock:
            Shelf.pending -= 1


class Orders(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value, **headers):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/health":
            with Shelf.lock:
                self.answer(200, {"pending": Shelf.pending})
            return
        with Shelf.lock:
            # A database that has just failed is not asked again at once, or readers would queue up for it.
            rested = time.monotonic() - Shelf.asked > 1.0
            try:
                if not rested:
                    raise OSError("resting")
                Shelf.cached = int(Shelf.reader.run("select count(*) from orders")[0])
                cache = "miss"
            except OSError:
                if rested:
                    Shelf.asked = time.monotonic()
                cache = "stale"
            known = Shelf.cached
        if known is None:
            self.answer(503, {"error": "the database does not answer"})
        else:
            self.answer(200, {"orders": known}, x_cache=cache)

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        item = int(json.loads(self.rfile.read(length))["id"])
        with Shelf.lock:
            Shelf.pending += 1
        Shelf.waiting.put(item)
        self.answer(202, {"id": item})

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Database().run("create table if not exists orders (id bigint primary key)")
    threading.Thread(target=writer, daemon=True).start()
    server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Orders)
    print("ready", flush=True)
    server.serve_forever()
