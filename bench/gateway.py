"""CPU a request, beside nginx `proxy_pass` in the same run: `make bench`.

Needs nginx and wrk (Debian: `apt-get install nginx-light wrk`). One upstream for all, kept-alive
connections, 1 KB each way; user and system time of the measured process, medians of the rounds.
What is measured has a core to itself, what asks and what answers share another.

Twice: at full load, where the faster one finds the others awake and is spared the cost of waking
them, and at about one rate for all.
"""

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UPSTREAM, NGINX, TORANA, MANAGEMENT = 19101, 19102, 19103, 19104
ROUNDS, SECONDS, CONNECTIONS = 3, 3, 32
PAUSES = {"at full load": 0, "at one rate": 4}
"""Milliseconds from an answer to the next request of the same connection."""
MEASURED, OTHERS = ("taskset", "-c", "0"), ("taskset", "-c", "1")
TICK = os.sysconf("SC_CLK_TCK")

ANSWER = json.dumps({"id": "cmpl-1", "text": "x" * 900})
ASKED = json.dumps({"model": "m", "prompt": "y" * 900})

CONF = """
worker_processes 1; daemon off; pid {root}/{name}.pid; error_log {root}/{name}.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f;
  uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port}; default_type application/json; location / {{ {does} }} }}
}}
"""
LIMIT = "nginx proxy_pass"
PROXY = 'proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";'

MAPPED = {
    "type": "http",
    "httpMethod": "POST",
    "uri": f"http://127.0.0.1:{UPSTREAM}/",
    "requestTemplates": {
        "application/json": "#set($in = $input.path('$'))"
        '{"model_id": "$in.model", "input": $input.json(\'$.prompt\')}'
    },
    "responses": {
        "default": {
            "statusCode": "200",
            "responseTemplates": {
                "application/json": "#set($in = $input.path('$'))"
                '{"id": "$in.id", "output": $input.json(\'$.text\')}'
            },
        }
    },
}

API = {
    "openapi": "3.0.1",
    "info": {"title": "bench", "version": "1"},
    "x-torana-stage": {
        "name": "prod",
        "methodSettings": {
            "*/*": {"throttlingRateLimit": 1000000.0, "throttlingBurstLimit": 1000000},
            "~1cached/POST": {
                "cachingEnabled": True,
                "throttlingRateLimit": 1000000.0,
                "throttlingBurstLimit": 1000000,
            },
        },
        "cacheClusterEnabled": True,
        "cacheClusterSize": "0.5",
    },
    "x-amazon-apigateway-request-validators": {"body": {"validateRequestBody": True}},
    "components": {
        "securitySchemes": {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
        "schemas": {
            "Asked": {
                "type": "object",
                "required": ["model", "prompt"],
                "properties": {
                    "model": {"type": "string", "minLength": 1},
                    "prompt": {"type": "string", "maxLength": 10000},
                },
            }
        },
    },
    "paths": {
        "/raw": {
            "post": {
                "responses": {"200": {"description": "ok"}},
                "x-amazon-apigateway-integration": {
                    "type": "http_proxy",
                    "httpMethod": "POST",
                    "uri": f"http://127.0.0.1:{UPSTREAM}/",
                },
            }
        },
        "/cached": {
            "post": {
                "responses": {"200": {"description": "ok"}},
                "x-amazon-apigateway-integration": {
                    "type": "http_proxy",
                    "httpMethod": "POST",
                    "uri": f"http://127.0.0.1:{UPSTREAM}/",
                },
            }
        },
        "/checked": {
            "post": {
                "security": [{"api_key": []}],
                "x-amazon-apigateway-request-validator": "body",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}
                    }
                },
                "responses": {"200": {"description": "ok"}},
                "x-amazon-apigateway-integration": {
                    "type": "http_proxy",
                    "httpMethod": "POST",
                    "uri": f"http://127.0.0.1:{UPSTREAM}/",
                },
            }
        },
        "/mapped": {
            "post": {
                "responses": {"200": {"description": "ok"}},
                "x-amazon-apigateway-integration": MAPPED,
            }
        },
        "/everything": {
            "post": {
                "security": [{"api_key": []}],
                "x-amazon-apigateway-request-validator": "body",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}
                    }
                },
                "responses": {"200": {"description": "ok"}},
                "x-amazon-apigateway-integration": MAPPED,
            }
        },
        "/full": {
            "post": {
                "security": [{"api_key": []}],
                "responses": {"200": {"description": "ok"}},
                "x-amazon-apigateway-integration": MAPPED,
            }
        },
    },
}


def main() -> None:
    """Start everything, measure in turns, print the table, stop everything."""
    with stage() as (root, started):
        started.append(nginx(root, "upstream", UPSTREAM, f"return 200 '{ANSWER}';", OTHERS))
        proxy = nginx(root, "proxy", NGINX, PROXY, MEASURED)
        started.append(proxy)
        gateway = torana(root, MEASURED)
        started.append(gateway)
        report(root, proxy.pid, gateway.pid)


@contextmanager
def stage() -> Iterator[tuple[Path, list[subprocess.Popen[bytes]]]]:
    """A folder, and a list for what is started: it is ended, the last one first."""
    for needed in ("nginx", "wrk"):
        if shutil.which(needed) is None:
            raise SystemExit(f"{needed} is missing: apt-get install nginx-light wrk")
    with tempfile.TemporaryDirectory() as folder:
        started: list[subprocess.Popen[bytes]] = []
        try:
            yield Path(folder), started
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
                process.wait(20)


def report(root: Path, nginx_pid: int, torana_pid: int) -> None:
    base = "/restapis/bench/prod/_user_request_"
    runs = {
        LIMIT: (nginx_pid, NGINX, "/"),
        "Torana, HTTP_PROXY": (torana_pid, TORANA, f"{base}/raw"),
        "Torana, cache hit": (torana_pid, TORANA, f"{base}/cached"),
        "Torana, key + throttle + validation": (torana_pid, TORANA, f"{base}/checked"),
        "Torana, VTL both ways": (torana_pid, TORANA, f"{base}/mapped"),
        "Torana, key + throttle + VTL both ways": (torana_pid, TORANA, f"{base}/full"),
        "Torana, key + throttle + validation + VTL": (torana_pid, TORANA, f"{base}/everything"),
    }
    found: dict[tuple[str, str], list[float]] = {}
    for turn in range(ROUNDS + 1):
        for name, (pid, port, path) in runs.items():
            for load, pause in PAUSES.items():
                cost = measure(root, pid, port, path, pause)
                if turn:
                    found.setdefault((load, name), []).append(cost)
    print_table(found)


def print_table(found: dict[tuple[str, str], list[float]]) -> None:
    """Microseconds a request by load and name, beside nginx'."""
    costs = {run: statistics.median(each) for run, each in found.items()}
    print(f"\n| CPU us a request | {' | | '.join(PAUSES)} | |\n|---|{'---|---|' * len(PAUSES)}")
    for name in dict.fromkeys(name for _, name in found):
        cells = [
            f"{costs[load, name]:.0f} | {costs[load, name] / costs[load, LIMIT]:.1f}x"
            for load in PAUSES
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def nginx(
    root: Path, name: str, port: int, does: str, core: tuple[str, ...] = ()
) -> "subprocess.Popen[bytes]":
    conf = root / f"{name}.conf"
    conf.write_text(CONF.format(root=root, name=name, upstream=UPSTREAM, port=port, does=does))
    process = subprocess.Popen([*core, "nginx", "-c", str(conf)])
    wait(port)
    return process


def torana(root: Path, core: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
    (root / "api.json").write_text(json.dumps(API))
    config = root / "torana.toml"
    config.write_text(
        '[keys.k]\nvalue = "key-0042"\n[usage_plans.p]\napis = ["bench/prod"]\nkeys = ["k"]\n'
    )
    command = [*core, sys.executable, "-m", "torana.cli", "serve", str(root / "api.json")]
    command += ["--config", str(config), "--data", str(root / "data"), "--port", str(TORANA)]
    command += ["--management-port", str(MANAGEMENT), "--access-log", str(root / "access.log")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait(TORANA)
    return process


def wait(port: int) -> None:
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}")


def measure(root: Path, pid: int, port: int, path: str, pause: int, body: str = ASKED) -> float:
    """Microseconds of CPU a request, of the process and its workers."""
    before = cpu(pid)
    requests = asked(root, port, path, SECONDS, pause, body)
    return (cpu(pid) - before) / requests * 1e6


def asked(root: Path, port: int, path: str, seconds: int, pause: int = 0, body: str = ASKED) -> int:
    """Ask for some seconds, with a pause (ms) after each answer. Gives how many requests were
    answered well."""
    script = root / "post.lua"
    script.write_text(
        f"wrk.method='POST'; wrk.body='{body}'; wrk.headers['Content-Type']='application/json'\n"
        "wrk.headers['X-Api-Key']='key-0042'\n"
        + (f"function delay() return {pause} end\n" if pause else "")
        + "done = function(s) io.write(string.format('REQ %d BAD %d', s.requests, "
        "s.errors.status + s.errors.read + s.errors.connect)) end\n"
    )
    command = [*OTHERS, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
    out = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True
    ).stdout
    words = out[out.index("REQ") :].split()
    if int(words[3]):
        raise SystemExit(f"{path}: {words[3]} requests failed\n{out}")
    return int(words[1])


def cpu(pid: int) -> float:
    """Seconds of a process and its children (nginx works in one)."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(entry.name) == pid or int(fields[1]) == pid:
                total += (int(fields[11]) + int(fields[12])) / TICK
    return total


if __name__ == "__main__":
    main()
