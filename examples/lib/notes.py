"""A service over PostgreSQL: notes are read and written through psql, and refused with a hint when it is away."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def ask(sql, **values):
    """The rows as text, or None when the database gave no answer."""
    command = ["psql", "-h", "127.0.0.1", "-p", sys.argv[2], "-U", "postgres", "-AtqX", "-v", "ON_ERROR_STOP=1"]
    for name, value in values.items():
        command += ["-v", f"{name}={value}"]
    try:
        done = subprocess.run(command, input=sql, capture_output=True, text=True, timeout=2, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


class Notes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, text=""):
        body = text.encode()
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200)
        found = ask("select body from notes where id = :id", id=int(self.path.rsplit("/", 1)[-1]))
        if found is None:
            return self.answer(503)
        return self.answer(200 if found else 404, found)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        written = ask("insert into notes (body) values (:'body') returning id", body=body)
        self.answer(503 if written is None else 201, written or "")


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Notes).serve_forever()
