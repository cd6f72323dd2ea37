"""`torana user-pools`: what the service's own API has no operation for."""

import base64
import urllib.error
import urllib.request
from pathlib import Path

import click
import msgspec

from torana.cli.gateway import OUT, data_option, fail, running
from torana.services.credentials import PROFILE, BadCredentials, read_profile


@click.group("user-pools")
def user_pools() -> None:
    """Signing keys of Cognito user pools."""


@user_pools.command()
@click.argument("pool")
@click.option("--revoke", is_flag=True, help="Refuse every token that was signed before.")
@data_option
def rotate(pool: str, revoke: bool, data: Path) -> None:
    """Sign a pool's tokens with a fresh key from now on.

    \b
    torana user-pools rotate eu-west-1_AbCdEf012
    """
    there = running(data)
    try:
        found = read_profile(data / "credentials", PROFILE)
    except BadCredentials as error:
        raise fail(str(error)) from None
    pair = f"{found.access_key_id}:{found.secret_access_key}".encode()
    url = f"http://127.0.0.1:{there.management_port}/user-pools/v1/{pool}/keys"
    request = urllib.request.Request(  # noqa: S310  to this machine
        url + ("?revoke=true" if revoke else ""),
        method="POST",
        headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
            OUT.print(msgspec.json.decode(reply.read())["kid"], markup=False)
    except urllib.error.HTTPError as error:
        raise fail(msgspec.json.decode(error.read())["message"]) from None
    except OSError as error:
        raise fail(str(error)) from None
