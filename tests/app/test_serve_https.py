"""A gateway that serves HTTPS, as a process: its redirect, its headers, its renewal."""

import http.client
import json
import os
import signal
import socket
import ssl
import sys
import time
from pathlib import Path
from subprocess import DEVNULL, Popen

import trustme


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _issue(authority: trustme.CA, folder: Path, name: str) -> None:
    issued = authority.issue_cert("127.0.0.1", common_name=name)
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")


def _shown(port: int, context: ssl.SSLContext) -> str:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
    ):
        return str(wrapped.getpeercert())


def _until(wanted: str, port: int, context: ssl.SSLContext) -> None:
    end = time.monotonic() + 15
    while wanted not in _shown(port, context):
        assert time.monotonic() < end, "not shown in time"
        time.sleep(0.05)


def test_https_is_served_redirected_to_and_renewed_by_a_signal(tmp_path: Path) -> None:
    authority, redirect = trustme.CA(), _free()
    _issue(authority, tmp_path, "first")
    config = tmp_path / "torana.toml"
    config.write_text(
        f"port = 0\nmanagement_port = 0\n[tls]\nredirect_port = {redirect}\nhsts = 60\n"
        f'certificate = "{tmp_path}/cert.pem"\nkey = "{tmp_path}/key.pem"\n'
    )
    command = [sys.executable, "-m", "torana.cli", "serve", "--config", str(config)]
    with Popen([*command, "--data", str(tmp_path / "data")], env=os.environ, stdout=DEVNULL) as run:
        try:
            ready, end = tmp_path / "data" / "run.json", time.monotonic() + 40
            while not ready.exists():
                assert run.poll() is None
                assert time.monotonic() < end, "not ready in time"
                time.sleep(0.05)
            port = int(json.loads(ready.read_text())["port"])
            context = ssl.create_default_context()
            authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]

            plain = http.client.HTTPConnection("127.0.0.1", redirect, timeout=5)
            plain.request("GET", "/x?y")
            moved = plain.getresponse()
            assert moved.getheader("location") == f"https://127.0.0.1:{port}/x?y"
            plain.close()

            secure = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
            secure.request("GET", "/x?y")
            assert secure.getresponse().getheader("strict-transport-security") == "max-age=60"
            secure.close()

            assert "first" in _shown(port, context)
            _issue(authority, tmp_path, "second")
            run.send_signal(signal.SIGHUP)
            _until("second", port, context)
        finally:
            run.terminate()
