"""CPU a request of the demo API in full dress, beside nginx `proxy_pass` in the same run.

The API is examples/sentiment.yaml as it is, but for its rate limits, which are raised so that none
is reached: API key, throttling, validation, a template each way, access log and metrics around the
embedded Comprehend's `DetectSentiment`.

Counted is the gateway's own process with all its threads: user and system time, medians of the
rounds. The engine works in a process of its own, the engines' host, which the gateway starts: its
time is left out, and shown in a row of its own. What the gateway spends on asking it (encoding, the
socket, decoding) counts. In the host a model that answers at once stands for the real one, which
takes tens of milliseconds a text: a dozen requests a second would be charged with all that the
gateway does anyhow twice a second.

nginx passes the same request to an upstream that gives the same answer. As `bench.gateway`, which
says what is needed, at full load and at one rate; the host shares the core of all that is not
measured.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from bench.gateway import (
    LIMIT,
    MANAGEMENT,
    MEASURED,
    NGINX,
    OTHERS,
    PAUSES,
    PROXY,
    ROUNDS,
    SECONDS,
    TICK,
    TORANA,
    UPSTREAM,
    asked,
    measure,
    nginx,
    print_table,
    stage,
    wait,
)

EXAMPLE = Path(__file__).parent.parent / "examples" / "sentiment.yaml"
PATH = "/restapis/sentiment/prod/_user_request_/keyed/sentiment"
KEY = "key-0042"
BODY = json.dumps({"text": "The food was wonderful and the staff kind; we waited an hour, though."})
GATEWAY, HOST = "Torana, the demo API in full dress", "its engines' host, not counted above"
STARTED = (
    "from torana.engines import ENGINES; from torana.cli.main import main; "
    "ENGINES['sentiment'] = 'bench.instant_sentiment'; main()"
)
FIELDS = {"Content-Type": "application/json", "X-Api-Key": KEY}


def main() -> None:
    """Start everything, measure in turns, print the table, stop everything."""
    with stage() as (root, started):
        gateway = torana(root)
        started.append(gateway)
        answer = first_answer()
        spare(gateway.pid)
        started.append(nginx(root, "upstream", UPSTREAM, f"return 200 '{answer}';", OTHERS))
        proxy = nginx(root, "proxy", NGINX, PROXY, MEASURED)
        started.append(proxy)
        report(root, proxy.pid, gateway.pid)


def report(root: Path, nginx_pid: int, gateway_pid: int) -> None:
    """Measure in turns and print the table."""
    found: dict[tuple[str, str], list[float]] = {}
    for turn in range(ROUNDS + 1):
        for load, pause in PAUSES.items():
            limit = measure(root, nginx_pid, NGINX, "/", pause, BODY)
            before, inside = own(gateway_pid), hosts(gateway_pid)
            count = asked(root, TORANA, PATH, SECONDS, pause, BODY)
            cost, engine = own(gateway_pid) - before, hosts(gateway_pid) - inside
            costs = {LIMIT: limit, GATEWAY: cost / count * 1e6, HOST: engine / count * 1e6}
            for name, each in costs.items():
                if turn:
                    found.setdefault((load, name), []).append(each)
    print_table(found)


def torana(root: Path) -> "subprocess.Popen[bytes]":
    """The gateway with the example, which no limit of the example holds back."""
    text = EXAMPLE.read_text()
    api = re.sub(r"(throttling(?:Rate|Burst)Limit): \d+", r"\1: 1000000", text)
    (root / "api.yaml").write_text(api)
    config = root / "torana.toml"
    config.write_text(
        f'[keys.k]\nvalue = "{KEY}"\n'
        '[usage_plans.p]\napis = ["sentiment/prod"]\nkeys = ["k"]\n'
        '[engines]\nwarm = ["sentiment"]\n'
    )
    command = [*MEASURED, sys.executable, "-c", STARTED, "serve", str(root / "api.yaml")]
    command += ["--config", str(config), "--data", str(root / "data"), "--port", str(TORANA)]
    command += ["--management-port", str(MANAGEMENT), "--access-log", str(root / "access.log")]
    # The engines' host must find the model, too.
    places = {**os.environ, "PYTHONPATH": str(EXAMPLE.parent.parent)}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=places)
    wait(TORANA)
    return process


def first_answer() -> str:
    """What the API says, on one line, once its engine is there."""
    said = b""
    for _ in range(120):
        connection = http.client.HTTPConnection("127.0.0.1", TORANA, timeout=60)
        connection.request("POST", PATH, BODY, FIELDS)
        reply = connection.getresponse()
        said = reply.read()
        connection.close()
        if reply.status == 200:
            return json.dumps(json.loads(said))
        time.sleep(0.5)
    raise SystemExit(f"{PATH}: {said.decode()}")


def own(pid: int) -> float:
    """Seconds of a process itself, with its threads and without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def hosts(pid: int) -> float:
    """Seconds of the engines' hosts."""
    return sum(own(child) for child in children(pid))


def spare(pid: int) -> None:
    """Move the engines' hosts off the measured core."""
    core = int(OTHERS[-1])
    for child in children(pid):
        for thread in Path(f"/proc/{child}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


if __name__ == "__main__":
    main()
