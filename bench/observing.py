"""What it costs to be looked at, in CPU a request: `python -m bench.observing`.

The same pass-through, with nobody looking; with the console open, and metrics and logs asked for
twice a second; with the access log in a log group; with everything sent on to a collector. Needs
nginx and wrk, as `bench.gateway`, whose pass-through it is.
"""

import copy
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import boto3
import httpx

from bench import gateway

ROUNDS = 4
COLLECTOR = 19105
PATH = "/restapis/bench/prod/_user_request_/raw"
GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:access"
OTLP = f'[otlp]\nendpoint = "http://127.0.0.1:{COLLECTOR}"\nmetrics_seconds = 1.0\n'


class Measured:
    """A gateway and who looks at it."""

    def __init__(self, root: Path, name: str, port: int, *, logs: bool, more: str = "") -> None:
        folder = root / name
        folder.mkdir()
        api: dict[str, Any] = copy.deepcopy(cast(Any, gateway).API)
        if logs:
            api["x-torana-stage"]["accessLogSettings"] = {
                "destinationArn": GROUP,
                "format": "$context.requestId $context.status $context.responseLatency",
            }
        (folder / "api.json").write_text(json.dumps(api))
        (folder / "torana.toml").write_text(more)
        self.data, self.port, self.management = folder / "data", port, port + 100
        command = [
            *gateway.MEASURED,
            sys.executable,
            "-m",
            "torana.cli",
            "serve",
            str(folder / "api.json"),
        ]
        command += ["--config", str(folder / "torana.toml"), "--data", str(self.data)]
        command += ["--port", str(port), "--management-port", str(self.management)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        gateway.wait(port)
        self._over = threading.Event()
        self._looking: list[threading.Thread] = []

    def look(self) -> None:
        """Open the console, and keep asking, until `end`."""
        self._over.clear()
        for work in (self._console, self._queries):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            self._looking.append(thread)

    def end(self) -> None:
        self._over.set()
        for each in self._looking:
            each.join()
        self._looking.clear()

    def _credentials(self) -> dict[str, str]:
        text = (self.data / "credentials").read_text()
        return dict(line.split(" = ") for line in text.splitlines() if " = " in line)

    def _console(self) -> None:
        found = self._credentials()
        base = f"http://127.0.0.1:{self.management}"
        form = {
            "accessKeyId": found["aws_access_key_id"],
            "secretAccessKey": found["aws_secret_access_key"],
        }
        with httpx.Client(base_url=base, headers={"Origin": base}) as browser:
            browser.post("/console/session", json=form).raise_for_status()
            with browser.stream("GET", "/console/live") as live:
                for _ in live.iter_lines():
                    if self._over.is_set():
                        return

    def _queries(self) -> None:
        made: Any = boto3
        endpoint = f"http://127.0.0.1:{self.management}"
        keys = {"region_name": "us-east-1", **self._credentials()}
        cloudwatch, logs = (
            made.client(name, endpoint_url=endpoint, **keys) for name in ("cloudwatch", "logs")
        )
        while not self._over.wait(0.5):
            now = int(time.time())
            cloudwatch.get_metric_statistics(
                Namespace="AWS/ApiGateway",
                MetricName="Latency",
                Dimensions=[{"Name": "ApiName", "Value": "bench"}],
                StartTime=now - 3600,
                EndTime=now + 60,
                Period=60,
                ExtendedStatistics=["p99"],
            )
            groups = logs.describe_log_groups()["logGroups"]
            if any(each["logGroupName"] == "access" for each in groups):
                logs.filter_log_events(logGroupName="access", limit=50)


def collector() -> ThreadingHTTPServer:
    """Takes whatever it is sent."""

    class Sink(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", COLLECTOR), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Start everything, measure in turns, print the table, stop everything."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        sink = collector()
        upstream = gateway.nginx(
            root, "upstream", gateway.UPSTREAM, f"return 200 '{gateway.ANSWER}';", gateway.OTHERS
        )
        plain = Measured(root, "plain", 19110, logs=False)
        logged = Measured(root, "logged", 19111, logs=True)
        sent = Measured(root, "sent", 19112, logs=True, more=OTLP)
        try:
            report(root, plain, logged, sent)
        finally:
            for process in (plain.process, logged.process, sent.process, upstream):
                process.terminate()
                process.wait(20)
            sink.shutdown()


def report(root: Path, plain: Measured, logged: Measured, sent: Measured) -> None:
    def quiet(of: Measured) -> Callable[[], float]:
        return lambda: gateway.measure(root, of.process.pid, of.port, PATH, 0)

    def watched(of: Measured) -> Callable[[], float]:
        def run() -> float:
            of.look()
            time.sleep(1.5)  # what looks on has loaded its own libraries by then
            try:
                return gateway.measure(root, of.process.pid, of.port, PATH, 0)
            finally:
                of.end()

        return run

    runs = {
        "nobody looks": quiet(plain),
        "console open, metrics and logs asked for": watched(plain),
        "access log in a log group": quiet(logged),
        "both": watched(logged),
        "both, all sent on by OTLP": watched(sent),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(ROUNDS + 1):
        for name, run in runs.items():
            cost = run()
            if turn:
                found[name].append(cost)
    usual = statistics.median(found["nobody looks"])
    print("\n| what | CPU us a request | ratio |\n|---|---|---|")
    for name, costs in found.items():
        cost = statistics.median(costs)
        print(f"| {name} | {cost:.0f} | {cost / usual:.2f} |")


if __name__ == "__main__":
    main()
