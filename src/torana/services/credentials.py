"""The first-start credentials: an ordinary AWS credentials file that only its owner can read."""

import configparser
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from torana.auth.grants import Grants
from torana.auth.keys import new_access_key_id, new_secret_access_key
from torana.auth.policy import Caller
from torana.auth.signer import SigningCredentials
from torana.services.ports import Credential, Principal

PROFILE = "torana"


class BadCredentials(Exception):
    """The credentials file cannot be used: says why and what to mend."""


def root_credentials(folder: Path, account: str) -> Credential:
    """Those in `folder/credentials`; made at the first start. Raises `BadCredentials`.

    Processes that start together agree: the file appears whole, once, or is found.
    """
    path = folder / "credentials"
    if not path.exists():
        _create(path)
    found = read_profile(path, PROFILE)
    principal = root_principal(account, found.access_key_id)
    return Credential(found.access_key_id, found.secret_access_key, principal)


def root_principal(account: str, access_key_id: str = "") -> Principal:
    """The account itself."""
    arn = f"arn:aws:iam::{account}:root"
    facts = {
        "aws:principalarn": arn,
        "aws:principalaccount": account,
        "aws:principaltype": "Account",
        "aws:userid": account,
    }
    grants = Grants(root=True, facts=facts)
    return Principal(account, arn, account, grants, Caller((arn,), account), access_key_id)


def _create(path: Path) -> None:
    text = (
        f"[{PROFILE}]\n"
        f"aws_access_key_id = {new_access_key_id()}\n"
        f"aws_secret_access_key = {new_secret_access_key()}\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces what another process has just made.
        os.link(fresh, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise BadCredentials(f"{path}: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)


def read_profile(path: Path, profile: str) -> SigningCredentials:
    """A profile of an AWS credentials file. Raises `BadCredentials`."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise BadCredentials(f"{path}: {error.strerror}") from error
    except (configparser.Error, UnicodeDecodeError) as error:
        raise BadCredentials(f"{path}: not a credentials file: {error}") from error
    if not parser.has_section(profile):
        raise BadCredentials(f"{path}: there is no profile [{profile}]")
    section = parser[profile]
    for name in ("aws_access_key_id", "aws_secret_access_key"):
        if not section.get(name):
            raise BadCredentials(f"{path}: profile [{profile}] has no {name}")
    return SigningCredentials(
        section["aws_access_key_id"],
        section["aws_secret_access_key"],
        section.get("aws_session_token"),
    )


def outgoing_credentials(
    profile: str | None, environment: Mapping[str, str]
) -> SigningCredentials | None:
    """Whom to sign as toward real endpoints: the named profile, else the environment's keys,
    else the default profile; None when there are none. Raises `BadCredentials`."""
    home = Path(environment.get("HOME", "~")).expanduser()
    given = environment.get("AWS_SHARED_CREDENTIALS_FILE")
    path = Path(given) if given else home / ".aws" / "credentials"
    if profile is None and environment.get("AWS_ACCESS_KEY_ID"):
        return SigningCredentials(
            environment["AWS_ACCESS_KEY_ID"],
            environment.get("AWS_SECRET_ACCESS_KEY", ""),
            environment.get("AWS_SESSION_TOKEN"),
        )
    if profile is None and not path.exists():
        return None
    return read_profile(path, profile or environment.get("AWS_PROFILE", "default"))


class FixedCredentials:
    """Access keys that do not change while the process runs. Implements `Credentials`."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._by_id = {credential.access_key_id: credential for credential in credentials}

    async def find(self, access_key_id: str, session_token: str = "") -> Credential | None:
        """See `Credentials`."""
        return self._by_id.get(access_key_id)
