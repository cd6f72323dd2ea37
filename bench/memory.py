"""Resident memory of the gateway over a million requests: `python -m bench.memory`.

Needs nginx and wrk, as `bench.gateway` does. In turns: a pass-through, an answer of the stage's
cache, a checked request (key, throttle, validation) and one mapped both ways by templates. The
first tenth warms up; what is printed is the resident memory after every further tenth.
"""

import argparse
import shutil
import signal
import tempfile
from pathlib import Path

from bench.gateway import ANSWER, TORANA, UPSTREAM, asked, nginx, torana

REQUESTS = 1_000_000
PATHS = ("raw", "cached", "checked", "full")
SECONDS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    wanted = parser.parse_args().requests
    if shutil.which("nginx") is None or shutil.which("wrk") is None:
        raise SystemExit("nginx or wrk is missing: apt-get install nginx-light wrk")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        started = [nginx(root, "upstream", UPSTREAM, f"return 200 '{ANSWER}';"), torana(root)]
        try:
            report(root, started[1].pid, wanted)
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
                process.wait(10)


def report(root: Path, pid: int, wanted: int) -> None:
    print("| requests | resident MB |\n|---|---|")
    done, printed = 0, 0
    seen: list[float] = []
    while done < wanted:
        for path in PATHS:
            done += asked(root, TORANA, f"/restapis/bench/prod/_user_request_/{path}", SECONDS)
        if done * 10 // wanted > printed:
            printed = done * 10 // wanted
            seen.append(resident(pid))
            print(f"| {done:,} | {seen[-1]:.1f} |", flush=True)
    print(f"\nfrom the first to the last: {seen[-1] - seen[0]:+.1f} MB")


def resident(pid: int) -> float:
    """Megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
