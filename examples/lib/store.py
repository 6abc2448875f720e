"""A small store, to be disturbed: PUT keeps a file, GET gives it back, and whatever runs out is said politely.
GET /status says how much of its disk and of its memory's limit is used, and warns above 70 %; GET /metrics says it to Prometheus.

Usage: store.py HOST PORT FOLDER
"""

import errno
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What the store answers when the system has no more of something.
STATUS = {errno.ENOSPC: 507, errno.EDQUOT: 507, errno.EMFILE: 503, errno.ENFILE: 503, errno.ENOMEM: 503}


def number(path):
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def memory():
    """The share of the limit of its control group that is used; 0 without one."""
    with open("/proc/self/cgroup") as file:
        lines = [line.strip().split(":", 2) for line in file]
    for _, controllers, path in lines:
        if controllers == "memory":
            folder, used, limit = "/sys/fs/cgroup/memory" + path, "memory.usage_in_bytes", "memory.limit_in_bytes"
        elif controllers == "":
            folder, used, limit = "/sys/fs/cgroup" + path, "memory.current", "memory.max"
        else:
            continue
        used, limit = number(f"{folder}/{used}"), number(f"{folder}/{limit}")
        if used and limit:
            return used / limit
    return 0


def status(folder):
    room = os.statvfs(folder)
    used = {"disk": 1 - room.f_bavail / room.f_blocks, "memory": memory()}
    return {**used, "warnings": [name for name, share in used.items() if share > 0.7]}


def metrics(folder):
    used = status(folder)
    return "".join(f"store_{name}_used_ratio {used[name]}\n" for name in ("disk", "memory"))


class Store(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def place(self):
        return os.path.join(sys.argv[3], os.path.basename(self.path) or "index")

    def act(self, action):
        try:
            self.answer(*action())
        except FileNotFoundError:
            self.answer(404)
        except OSError as error:
            self.answer(STATUS.get(error.errno, 500), os.strerror(error.errno or 0).encode())

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, b"well")
            return

        if self.path == "/status":
            self.act(lambda: (200, json.dumps(status(sys.argv[3])).encode()))
            return

        if self.path == "/metrics":
            self.act(lambda: (200, metrics(sys.argv[3]).encode()))
            return

        def read():
            with open(self.place(), "rb") as file:
                return 200, file.read()

        self.act(read)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))

        def write():
            place = self.place()
            try:
                with open(place, "wb") as file:
                    file.write(body)
            except OSError:
                # Half a file is worse than none.
                if os.path.exists(place):
                    os.remove(place)
                raise
            return 201, b""

        self.act(write)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Store)
    print("ready", flush=True)
    server.serve_forever()
