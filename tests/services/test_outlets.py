"""Messages to people: by a mail server over real sockets, or into the outbox."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email import message_from_string, policy
from pathlib import Path

import pytest

from torana.services.outlets import Message, Outbox, Smtp, Undelivered

MAIL = Message("EMAIL", "ada@example.com", "Your verification code", "It is 123456.")


class Server:
    """A mail server without encryption that keeps what it is sent."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses, self.port = refuses, 0
        self.said: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := (await reader.readline()).decode().rstrip():
            self.said.append(line)
            verb = line.partition(" ")[0].upper()
            if verb == self.refuses:
                writer.write(b"550 no\r\n")
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                while (text := (await reader.readline()).decode()) != ".\r\n":
                    self.said.append(text.rstrip("\r\n"))
                writer.write(b"250 kept\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 fine\r\n")
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def mail(refuses: str = "") -> AsyncGenerator[Server]:
    found = Server(refuses)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    async with server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


async def test_mail_goes_to_the_server_and_messages_to_telephones_to_the_outbox(
    tmp_path: Path,
) -> None:
    path = tmp_path / "outbox.jsonl"
    async with mail() as server:
        outlet = Smtp(f"smtp://127.0.0.1:{server.port}", "Pets <p@example.com>", Outbox(path))
        await outlet.send(MAIL)
        assert any(line.lower() == "rcpt to:<ada@example.com>" for line in server.said)
        start = [line.lower() for line in server.said].index("data")
        got = message_from_string("\n".join(server.said[start + 1 :]), policy=policy.default)
        assert (got["From"], got["Subject"]) == ("Pets <p@example.com>", MAIL.subject)
        assert MAIL.text in "\n".join(server.said)
        assert not path.exists()
        await outlet.send(Message("SMS", "+491701234567", "", "It is 654321."))
    line = json.loads(path.read_text())
    assert (line["to"], line["text"]) == ("+491701234567", "It is 654321.")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("refuses", ["MAIL", "RCPT", "DATA"])
async def test_what_the_server_refuses_is_undelivered(tmp_path: Path, refuses: str) -> None:
    async with mail(refuses) as server:
        outlet = Smtp(f"smtp://127.0.0.1:{server.port}", "p@example.com", Outbox(tmp_path / "o"))
        with pytest.raises(Undelivered):
            await outlet.send(MAIL)


async def test_a_password_is_never_sent_in_the_clear(tmp_path: Path) -> None:
    async with mail() as server:
        url = f"smtp://me:secret@127.0.0.1:{server.port}"
        outlet = Smtp(url, "p@example.com", Outbox(tmp_path / "o"))
        with pytest.raises(Undelivered) as failure:
            await outlet.send(MAIL)
        assert not any(line.upper().startswith("AUTH") for line in server.said)
        assert "secret" not in str(failure.value)


async def test_an_address_that_would_add_a_field_is_not_sent_to(tmp_path: Path) -> None:
    async with mail() as server:
        outlet = Smtp(f"smtp://127.0.0.1:{server.port}", "p@example.com", Outbox(tmp_path / "o"))
        with pytest.raises(Undelivered):
            await outlet.send(Message("EMAIL", "a@b.org\r\nBcc: c@d.org", "s", "t"))
        assert server.said == []


@pytest.mark.parametrize(
    ("url", "sender"), [("http://h", "a@b.org"), ("smtp://", "a@b.org"), ("smtp://h", "nobody")]
)
def test_settings_that_lead_nowhere_are_refused(tmp_path: Path, url: str, sender: str) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        Smtp(url, sender, Outbox(tmp_path / "o"))
