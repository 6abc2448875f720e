"""Starting measured children: pinned to a core, with their CPU time and their memory."""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENT_CORE = 0
SERVER_CORE = 1


class Broken(Exception):
    """A child did not do what the bench needs; the text says which and how."""


@dataclass
class Ran:
    """What a child did."""

    code: int
    seconds: float
    cpu_seconds: float
    stdout: str
    stderr: str
    rss_kib: list = field(default_factory=list)
    summary: dict | None = None

    def rss_at_end(self):
        """Resident KiB while the child was settled: the median of its last second but one sample."""
        tail = sorted(self.rss_kib[-11:-1] or self.rss_kib)
        if not tail:
            raise Broken("the child ended before its memory could be read")
        return tail[len(tail) // 2]

    def rss_peak(self):
        """The most resident KiB that were seen."""
        if not self.rss_kib:
            raise Broken("the child ended before its memory could be read")
        return max(self.rss_kib)

    def value(self, metric, name):
        """A number of the run's summary."""
        try:
            return self.summary["metrics"][metric]["values"][name]
        except (KeyError, TypeError):
            raise Broken(f"the summary has no {metric} {name}") from None


def pinned(core, command):
    """The command, bound to one core where there are enough."""
    if (os.cpu_count() or 1) > SERVER_CORE:
        return ["taskset", "-c", str(core), *command]
    return command


def run(command, env=None, sample_every=None, limit=120.0):
    """Runs a child to its end; with `sample_every` its memory is read so often."""
    rss = []
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **(env or {})}
        )
        usage = None
        while usage is None:
            flags = os.WNOHANG if sample_every else 0
            pid, status, got = os.wait4(child.pid, flags)
            if pid:
                usage = got
                # Told to the object too, or it would wait for a child that is gone.
                child.returncode = os.waitstatus_to_exitcode(status)
                break
            rss.extend(resident(child.pid))
            if time.monotonic() - start > limit:
                child.kill()
                sample_every = None
            else:
                time.sleep(sample_every)
        seconds = time.monotonic() - start
        out.seek(0)
        err.seek(0)
        return Ran(
            code=child.returncode,
            seconds=seconds,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            stdout=out.read().decode("utf-8", "replace"),
            stderr=err.read().decode("utf-8", "replace"),
            rss_kib=rss,
        )


def resident(pid):
    """Resident KiB of a process as a list of one, or of none if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return []
    return [pages * os.sysconf("SC_PAGE_SIZE") // 1024]


class Rchaos:
    """Runs the scripts of this folder with the binary under test, on the client's core."""

    def __init__(self, binary):
        self.binary = str(Path(binary).resolve())
        if not os.access(self.binary, os.X_OK):
            raise Broken(f"{self.binary} is no program; build it with: cargo build --release")

    def run(self, script, sample_every=None, **env):
        """One run of one worker thread with its summary; anything but exit code 0 is broken."""
        with tempfile.TemporaryDirectory() as folder:
            summary = Path(folder) / "summary.json"
            command = [
                self.binary, "run", str(HERE / script), "--quiet", "--workers", "1",
                "--memory-limit", "8GiB", "--summary", str(summary),
            ]
            for name, value in env.items():
                command += ["--env", f"{name}={value}"]
            ran = run(pinned(CLIENT_CORE, command), sample_every=sample_every)
            if ran.code != 0:
                raise Broken(f"{script}: exit code {ran.code}: {ran.stderr.strip()[-600:]}")
            ran.summary = json.loads(summary.read_text())
            return ran
