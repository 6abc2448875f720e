"""Runs the cases and prints each figure against its target. Called by scripts/bench."""

import argparse
import json
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

from cases import CASES
from children import Broken, Rchaos
from server import Nginx

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Bench:
    """What a case may use."""

    rchaos: Rchaos
    url: str
    rounds: int
    seconds: int


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=CASES, help="run this case only; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of cases that take a median (3)")
    parser.add_argument("--seconds", type=int, default=5, help="length of one measured run (5)")
    parser.add_argument("--binary", default=ROOT / "target/release/rchaos", help="the program to measure")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON too")
    parser.add_argument("--list", action="store_true", help="list the cases")
    return parser.parse_args()


def shown(value, unit):
    """A number with its unit, short."""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return f"{value:,.{digits}f} {unit}"


def row(figure):
    """One line of the table."""
    ratio = figure.ratio()
    if ratio is None:
        return f"{figure.name:<52} {shown(figure.value, figure.unit):>14}"
    sign = "≥" if figure.at_least else "≤"
    target = f"{sign} {shown(figure.target, figure.unit)}"
    verdict = "ok" if ratio <= 1 else "MISS"
    return f"{figure.name:<52} {shown(figure.value, figure.unit):>14}  {target:>16}  {ratio:>6.2f}  {verdict}"


def main():
    """Runs what was asked for; exit code 1 only if something broke."""
    args = arguments()
    if args.list:
        for name, case in CASES.items():
            print(f"{name:<18} {case.__doc__}")
        return 0
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load average {load:.1f}" + ("; others are busy here" if load > 0.7 else ""))
    print(f"{'':<52} {'value':>14}  {'target':>16}  {'ratio':>6}")
    broken, figures = [], []
    try:
        with Nginx() as nginx:
            bench = Bench(Rchaos(args.binary), nginx.url, args.rounds, args.seconds)
            for name in args.only or CASES:
                try:
                    for figure in CASES[name](bench):
                        figures.append({**vars(figure), "case": name, "ratio": figure.ratio()})
                        print(row(figure), flush=True)
                except Broken as error:
                    broken.append(f"{name}: {error}")
                    print(f"{name}: broken: {error}", flush=True)
    except Broken as error:
        broken.append(str(error))
        print(f"broken: {error}")
    if args.json:
        Path(args.json).write_text(json.dumps({"load_average": load, "figures": figures, "broken": broken}, indent=2))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
