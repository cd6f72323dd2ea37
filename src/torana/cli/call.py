"""`torana call`: a request to the front door."""

import http.client
import sys
from pathlib import Path

import click
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from torana.cli.gateway import ERR, data_option, fail, running
from torana.services.credentials import PROFILE, BadCredentials, read_profile


@click.command()
@click.argument("method")
@click.argument("path")
@click.option("--api", help="The API's id: PATH is then below its stage.")
@click.option("--stage", default="prod", show_default=True)
@click.option("--data-binary", "-d", "body", default="", help="The body; @FILE reads it from one.")
@click.option("--header", "-H", "headers", multiple=True, help="NAME: VALUE")
@click.option("--key", help="Sent as x-api-key.")
@click.option("--sign", is_flag=True, help="Sign as the account (AWS_IAM).")
@click.option("--include", "-i", is_flag=True, help="Show the answer's status and headers, too.")
@data_option
def call(
    method: str,
    path: str,
    api: str | None,
    stage: str,
    body: str,
    headers: tuple[str, ...],
    key: str | None,
    sign: bool,
    include: bool,
    data: Path,
) -> None:
    """Call the running gateway and print what it answers. Exits with 1 above status 399.

    \b
    torana call POST /sentiment --api sentiment -d '{"text": "What a lovely day!"}'
    torana call GET /pets --api a1b2c3d4e5 --sign
    """
    port = running(data).port
    where = f"/restapis/{api}/{stage}/_user_request_{path}" if api else path
    content = _content(body)
    fields = dict(_header(each) for each in headers)
    if content and not any(name.lower() == "content-type" for name in fields):
        fields["Content-Type"] = "application/json"
    if key:
        fields["x-api-key"] = key
    if sign:
        fields = _signed(method, f"http://127.0.0.1:{port}{where}", content, fields, data)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method.upper(), where, content or None, fields)
        reply = connection.getresponse()
        answer = reply.read()
    except (OSError, http.client.HTTPException) as error:
        raise fail(f"the gateway did not answer: {error}") from None
    if include:
        ERR.print(f"HTTP/1.1 {reply.status} {reply.reason}", markup=False)
        for name, value in reply.getheaders():
            ERR.print(f"{name}: {value}", markup=False, soft_wrap=True)
    sys.stdout.buffer.write(answer + b"\n")
    if reply.status >= 400:
        raise SystemExit(1)


def _content(body: str) -> bytes:
    if not body.startswith("@"):
        return body.encode()
    try:
        return Path(body[1:]).read_bytes()
    except OSError as error:
        raise fail(f"{body[1:]}: {error.strerror}") from None


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.BadParameter(f"{text!r} must be NAME: VALUE", param_hint="--header")
    return name.strip(), value.strip()


def _signed(
    method: str, url: str, content: bytes, fields: dict[str, str], data: Path
) -> dict[str, str]:
    try:
        found = read_profile(data / "credentials", PROFILE)
    except BadCredentials as error:
        raise fail(str(error)) from None
    request = AWSRequest(method=method.upper(), url=url, data=content, headers=fields)
    credentials = Credentials(found.access_key_id, found.secret_access_key)
    SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)  # pyright: ignore[reportUnknownMemberType]
    return {str(name): str(value) for name, value in request.headers.items()}
