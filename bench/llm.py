"""CPU a chat and a 50-token stream, beside nginx `proxy_pass` in the same run: `make bench-llm`.

With key check, both limits, a budget and metering on. Needs nginx and wrk, as `bench.gateway`;
LiteLLM's proxy is measured beside them where its `litellm` command is on the path.
"""

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.gateway import CONNECTIONS, ROUNDS, SECONDS, cpu, stage, wait
from bench.gateway import nginx as start_nginx

UPSTREAM, NGINX, TORANA, MANAGEMENT, LITELLM = 19101, 19102, 19103, 19104, 19105
KEY = "sk-bench"
ASKED = [{"role": "user", "content": "The quick brown fox jumps over the lazy dog. " * 20}]
BODIES = {
    "chat": {"model": "fast", "messages": ASKED},
    "stream": {"model": "fast", "messages": ASKED, "stream": True},
}

SETTINGS = f"""
[llm.providers.up]
type = "openai"
base_url = "http://127.0.0.1:{UPSTREAM}/v1"
api_key = "sk-upstream"
[llm.models.fast]
targets = [{{ provider = "up", model = "gpt-4o-mini" }}]
[llm.keys.bench]
secret = "{KEY}"
models = ["fast"]
requests_per_minute = 1e9
tokens_per_minute = 1e12
budget = {{ usd = 1e9, period = "day" }}
"""
LITELLM_SETTINGS = f"""
model_list:
  - model_name: fast
    litellm_params:
      model: openai/gpt-4o-mini
      api_base: "http://127.0.0.1:{UPSTREAM}/v1"
      api_key: sk-upstream
general_settings: {{master_key: {KEY}}}
"""
PROXY = 'proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";'


def main() -> None:
    """Start everything, measure in turns, print the table, stop everything."""
    with stage() as (root, started):
        started.append(_run([sys.executable, "-m", "bench.llm_upstream", str(UPSTREAM)]))
        wait(UPSTREAM)
        peers = dict(_peers(root, started))
        report(root, peers)


def _peers(
    root: Path, started: "list[subprocess.Popen[bytes]]"
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name, then process and port, of everyone who is measured."""
    started.append(start_nginx(root, "proxy", NGINX, PROXY))
    yield "nginx proxy_pass", (started[-1].pid, NGINX)
    (root / "torana.toml").write_text(SETTINGS)
    command = [sys.executable, "-m", "torana.cli", "serve", "--config", str(root / "torana.toml")]
    command += ["--data", str(root / "data"), "--port", str(TORANA)]
    started.append(_run([*command, "--management-port", str(MANAGEMENT)]))
    wait(TORANA)
    yield "Torana", (started[-1].pid, TORANA)
    if (litellm := shutil.which("litellm")) is not None:
        (root / "litellm.yaml").write_text(LITELLM_SETTINGS)
        config = ["--config", str(root / "litellm.yaml"), "--port", str(LITELLM)]
        started.append(_run([litellm, *config]))
        wait(LITELLM)
        yield "LiteLLM", (started[-1].pid, LITELLM)


def _run(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def report(root: Path, peers: dict[str, tuple[int, int]]) -> None:
    found: dict[tuple[str, str], list[float]] = {}
    for turn in range(ROUNDS + 1):
        for name, (pid, port) in peers.items():
            for work in BODIES:
                cost = measure(root, pid, port, work)
                if turn:
                    found.setdefault((name, work), []).append(cost)
    print("\n| who | CPU ms a chat | to nginx | CPU ms a stream | to nginx |")
    print("|---|---|---|---|---|")
    for name in peers:
        cells = list[str]()
        for work in BODIES:
            cost = statistics.median(found[name, work])
            limit = statistics.median(found["nginx proxy_pass", work])
            cells += [f"{cost:.3f}", f"{cost / limit:.1f}"]
        print(f"| {name} | {' | '.join(cells)} |")


def measure(root: Path, pid: int, port: int, work: str) -> float:
    """Milliseconds of CPU a request, of the process and its children."""
    script, body = root / "post.lua", json.dumps(BODIES[work], separators=(",", ":"))
    script.write_text(
        f"wrk.method='POST'; wrk.body='{body}'; wrk.headers['Content-Type']='application/json'\n"
        f"wrk.headers['Authorization']='Bearer {KEY}'\n"
        "done = function(s) io.write(string.format('REQ %d BAD %d', s.requests, "
        "s.errors.status + s.errors.read + s.errors.connect)) end\n"
    )
    before = cpu(pid)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script)]
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    out = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    spent = cpu(pid) - before
    words = out[out.index("REQ") :].split()
    if int(words[3]):
        raise SystemExit(f"{url}: {words[3]} requests failed\n{out}")
    return spent / int(words[1]) * 1e3


if __name__ == "__main__":
    main()
