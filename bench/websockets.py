"""What connections of WebSocket APIs cost: `python -m bench.websockets [CONNECTIONS]`.

The gateway's part in this process, its clients in another. Memory is resident memory after less
before; CPU is this process' own, of handshakes and of messages that a template answers.
"""

import asyncio
import base64
import gc
import os
import resource
import sys
from pathlib import Path

import uvloop

from tests.gateway.websocket.sockets import api, mock, serving
from torana.net.limits import Limits

PATH = "/apis/chat/prod"
ASK = b'{"action": "say"}'
BATCH, ROUNDS = 200, 50


async def clients(port: int, count: int) -> None:
    """Connects, says so, waits for a line, then asks and reads again and again."""
    held: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        fields = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
            "Origin": "https://example.com",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"GET {PATH} HTTP/1.1\r\n{head}\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        held.append((reader, writer))
    print("connected", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    frame = bytes([0x81, 0x80 | len(ASK), 0, 0, 0, 0]) + ASK
    for _ in range(ROUNDS):
        for _, writer in held[:BATCH]:
            writer.write(frame)
        for reader, _ in held[:BATCH]:
            _, length = await reader.readexactly(2)
            await reader.readexactly(length)
    print("answered", flush=True)


def resident() -> int:
    """Kilobytes."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Rss:"))


def spent() -> float:
    """Seconds of CPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(count: int) -> None:
    limits = Limits(connections=1_000_000, connections_per_address=1_000_000)
    async with serving(api(mock("$connect"), mock("say", "said")), limits=limits) as served:
        gc.collect()
        memory, cpu = resident(), spent()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.websockets", str(count), str(served.port)),
            stdout=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        assert child.stdin is not None
        await child.stdout.readline()
        await asyncio.sleep(1)
        gc.collect()
        print(f"connections                  {len(served.door.switchboard.connections)}")
        print(f"memory of 1,000              {(resident() - memory) / count * 1000 / 1024:.1f} MB")
        print(f"CPU of a handshake           {(spent() - cpu) / count * 1e6:.0f} microseconds")
        cpu = spent()
        await asyncio.sleep(5)
        print(f"CPU of 1,000 idle            {(spent() - cpu) / 5 / count * 1e5:.3f} %")
        cpu = spent()
        child.stdin.write(b"go\n")
        await child.stdout.readline()
        messages = min(count, BATCH) * ROUNDS
        print(f"CPU of a message and answer  {(spent() - cpu) / messages * 1e6:.0f} microseconds")
        await child.wait()


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    uvloop.run(clients(int(sys.argv[2]), number) if len(sys.argv) > 2 else measure(number))
