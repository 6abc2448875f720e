"""The server under load: nginx on loopback, one worker on its own core, a small fixed body."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from children import SERVER_CORE, Broken, pinned

CONFIG = """
daemon off;
master_process off;
worker_rlimit_nofile 16384;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 12000; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        default_type application/json;
        location / {{ return 200 '{{"greeting":"hello","from":"a small static body"}}'; }}
    }}
}}
"""


def free_port():
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """Serves as long as the `with` block lasts."""

    def __enter__(self):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.folder = tempfile.TemporaryDirectory()
        port = free_port()
        config = Path(self.folder.name) / "nginx.conf"
        config.write_text(CONFIG.format(folder=self.folder.name, port=port))
        command = [program, "-p", self.folder.name, "-c", str(config), "-e", f"{self.folder.name}/error.log"]
        self.child = subprocess.Popen(pinned(SERVER_CORE, command), stdin=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}/"
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return self
            except OSError:
                if self.child.poll() is not None:
                    break
                time.sleep(0.05)
        log = Path(self.folder.name) / "error.log"
        text = log.read_text() if log.exists() else ""
        self.__exit__()
        raise Broken(f"nginx does not serve: {text}")

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.folder.cleanup()
