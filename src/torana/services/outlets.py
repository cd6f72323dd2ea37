"""Where messages to people go: a mail server, or an outbox on this machine.

The outbox is `outbox.jsonl` in the data folder, one message a line, readable by the gateway's user
only. Logs never hold a message, an address or a code.
"""

import asyncio
import logging
import os
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

_log = logging.getLogger("torana.services")

_SECONDS = 10.0
"""That a mail server may take for each step."""


class Undelivered(Exception):
    """A message was not taken. The text is for logs."""


class Message(Struct, frozen=True):
    """To one person. `to` is an address, or a telephone number."""

    medium: Literal["EMAIL", "SMS"]
    to: str
    subject: str
    text: str


class Outlet(Protocol):
    """Takes messages."""

    async def send(self, message: Message, /) -> None:
        """Once this returns, the message is on its way. Raises `Undelivered`."""
        ...


class Outbox:
    """A file. What is written here was sent to nobody: whoever owns the file may read it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, message: Message) -> None:
        """See `Outlet`."""
        line = {"time": datetime.now(UTC).isoformat(), **msgspec.structs.asdict(message)}
        try:
            await asyncio.to_thread(self._write, msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise Undelivered(f"{self._path}: {error.strerror}") from error
        _log.info("a message by %s was written to %s", message.medium, self._path)

    def _write(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


class Smtp:
    """A mail server. It has no way to telephones: their messages go to `other`."""

    def __init__(self, url: str, sender: str, other: Outlet) -> None:
        """`url`: `smtp://` (STARTTLS where the server has it, always with a password) or
        `smtps://user:password@host:port`. Raises `ValueError`."""
        at = urlsplit(url)
        if at.scheme not in ("smtp", "smtps") or not at.hostname:
            raise ValueError("must be smtp://host:port or smtps://user:password@host:port")
        if "@" not in sender:
            raise ValueError("mail needs a sender's address")
        self._host, self._tls = at.hostname, at.scheme == "smtps"
        self._port = at.port or (465 if self._tls else 587)
        self._user, self._password = unquote(at.username or ""), unquote(at.password or "")
        self._sender, self._other = sender, other

    async def send(self, message: Message) -> None:
        """See `Outlet`."""
        if message.medium != "EMAIL":
            await self._other.send(message)
            return
        try:
            await asyncio.to_thread(self._send, self._written(message))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Undelivered(f"{self._host}: {type(error).__name__}") from error

    def _written(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, message.to, message.subject
        # Templates of user pools may be HTML, as the service's are.
        html = "</" in message.text or "<br" in message.text
        mail.set_content(message.text, subtype="html" if html else "plain")
        return mail

    def _send(self, mail: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self._tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_SECONDS)
        with server:
            if not self._tls:
                server.ehlo()
                if self._user or server.has_extn("starttls"):
                    server.starttls(context=context)
            if self._user:
                server.login(self._user, self._password)
            server.send_message(mail)
