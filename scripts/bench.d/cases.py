"""What is measured, one function each: it yields figures with their targets."""

import re
import statistics
from dataclasses import dataclass

from children import CLIENT_CORE, HERE, Broken, pinned, run

SAMPLE = 0.1


@dataclass
class Figure:
    """A number and its target; without a target it is there for information."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False

    def ratio(self):
        """How much of the target was used up: at most 1 is within it, either way round."""
        if self.target is None:
            return None
        if self.at_least:
            return self.target / self.value if self.value else float("inf")
        return self.value / self.target


def requests(bench):
    """CPU and speed of a scripted GET with two checks, in turns with wrk and an equal hook."""
    ours, theirs, our_speed, their_speed = [], [], [], []
    for _ in range(bench.rounds):
        ran = run(pinned(CLIENT_CORE, [
            "wrk", "-t1", "-c64", f"-d{bench.seconds}s", "-s", str(HERE / "two_checks.wrk.lua"), bench.url,
        ]))
        count = re.search(r"(\d+) requests in", ran.stdout)
        failed = re.search(r"failed checks: (\d+)", ran.stdout)
        if ran.code != 0 or not count or not failed or failed.group(1) != "0":
            raise Broken(f"wrk: exit code {ran.code}: {ran.stdout}{ran.stderr}")
        count = int(count.group(1))
        theirs.append(ran.cpu_seconds / count * 1e6)
        their_speed.append(count / bench.seconds)
        ran = bench.rchaos.run("two_checks.lua", URL=bench.url, SECONDS=bench.seconds)
        count = ran.value("http_reqs", "count")
        ours.append(ran.cpu_seconds / count * 1e6)
        our_speed.append(count / bench.seconds)
    ratio = statistics.median(our / their for our, their in zip(ours, theirs))
    yield Figure("CPU per request, wrk with Lua", statistics.median(theirs), "µs")
    yield Figure("CPU per request, rchaos", statistics.median(ours), "µs")
    yield Figure("CPU per request, rchaos / wrk", ratio, "×", 1.35)
    yield Figure("requests per second, wrk with Lua", statistics.median(their_speed), "/s")
    yield Figure("requests per second, rchaos", statistics.median(our_speed), "/s")


def idle(bench):
    """Memory of a user that sleeps."""
    few = bench.rchaos.run("idle_vus.lua", SAMPLE, VUS=1, SECONDS=3)
    many = bench.rchaos.run("idle_vus.lua", SAMPLE, VUS=10_000, SECONDS=5)
    if many.value("vus", "max") != 10_000:
        raise Broken(f"only {many.value('vus', 'max')} of 10,000 users ran")
    each = (many.rss_at_end() - few.rss_at_end()) / 9_999
    yield Figure("memory of one run with one user", few.rss_at_end() / 1024, "MiB")
    yield Figure("memory per idle user, 10,000 of them", each, "KiB", 8)


def connected(bench):
    """Memory of a user that holds a connection and waits."""
    few = bench.rchaos.run("connected_vus.lua", SAMPLE, VUS=1, SECONDS=3, URL=bench.url)
    many = bench.rchaos.run("connected_vus.lua", SAMPLE, VUS=1_000, SECONDS=4, URL=bench.url)
    if many.value("http_reqs", "count") != 1_000 or many.value("http_req_failed", "rate") > 0:
        raise Broken("not every one of 1,000 users got its answer")
    each = (many.rss_at_end() - few.rss_at_end()) / 999
    yield Figure("memory per connected user, 1,000 of them", each, "KiB", 40)


def empty_iterations(bench):
    """How fast an empty iteration is."""
    speeds = []
    for _ in range(bench.rounds):
        ran = bench.rchaos.run("empty_iterations.lua", SECONDS=bench.seconds)
        speeds.append(ran.value("iterations", "count") / bench.seconds)
    yield Figure("empty iterations per second and core", statistics.median(speeds), "/s", 1e6, at_least=True)


def trend(bench):
    """How memory grows with the number of samples."""
    few = bench.rchaos.run("trend_samples.lua", SAMPLE / 10, SAMPLES=100_000)
    many = bench.rchaos.run("trend_samples.lua", SAMPLE / 10, SAMPLES=10_000_000)
    if many.value("sampled", "count") != 10_000_000:
        raise Broken("not all of 10 million samples were counted")
    growth = max(0, many.rss_peak() - few.rss_peak()) / 1024
    yield Figure("memory growth over 10 million samples", growth, "MiB", 5)


def series(bench):
    """Memory of series that were used a little."""
    few = bench.rchaos.run("series.lua", SAMPLE / 10, SERIES=1)
    many = bench.rchaos.run("series.lua", SAMPLE / 10, SERIES=1_000)
    growth = max(0, many.rss_peak() - few.rss_peak())
    yield Figure("memory at 1,000 series", growth / 1024, "MiB", 16)


def start_up(bench):
    """Time from exec to exit of an empty script."""
    times = []
    for _ in range(20):
        ran = run(pinned(CLIENT_CORE, [bench.rchaos.binary, "run", str(HERE / "empty.lua"), "--quiet"]))
        if ran.code != 0:
            raise Broken(f"empty.lua: exit code {ran.code}: {ran.stderr}")
        times.append(ran.seconds * 1e3)
    yield Figure("start to end of an empty script, median of 20", statistics.median(times), "ms", 20)


def lag(bench):
    """How late iterations of an open model start."""
    lags, dropped = [], []
    for _ in range(bench.rounds):
        ran = bench.rchaos.run("arrivals.lua", RATE=5_000, SECONDS=bench.seconds)
        started = ran.value("iterations", "count")
        dropped.append(100 * (1 - started / (5_000 * bench.seconds)))
        lags.append(ran.value("iteration_lag", "p99"))
    yield Figure("arrival lag p99 at 5,000/s", statistics.median(lags), "ms", 0.5)
    yield Figure("arrivals dropped at 5,000/s", statistics.median(dropped), "%")


def neighbours(bench):
    """Whether one busy user delays a hundred quiet ones on the same worker."""
    alone, beside = [], []
    for _ in range(bench.rounds):
        for busy, into in ((0, alone), (1, beside)):
            ran = bench.rchaos.run("neighbours.lua", URL=bench.url, BUSY=busy, SECONDS=bench.seconds)
            name = "http_req_duration{scenario:quiet}"
            into.append((ran.value(name, "med"), ran.value(name, "p99")))
    for place, what in ((0, "median"), (1, "p99")):
        quiet = statistics.median(one[place] for one in alone)
        busy = statistics.median(one[place] for one in beside)
        yield Figure(f"100 quiet users, {what}, alone", quiet, "ms")
        # A user yields after 1 ms of its own work, and a request waits for two wake-ups.
        yield Figure(f"100 quiet users, {what}, added by a busy one", busy - quiet, "ms", 2)


CASES = {
    "requests": requests,
    "idle": idle,
    "connected": connected,
    "empty-iterations": empty_iterations,
    "trend": trend,
    "series": series,
    "start-up": start_up,
    "lag": lag,
    "neighbours": neighbours,
}
