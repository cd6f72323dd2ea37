"""Settings of what is kept: how it is encrypted."""

from typing import Literal

from msgspec import Struct

Purpose = Literal["store", "objects", "logs", "traces", "usage", "audit"]
PURPOSES: tuple[Purpose, ...] = ("store", "objects", "logs", "traces", "usage", "audit")


class MasterKey(Struct, frozen=True, forbid_unknown_fields=True):
    """What data keys are wrapped with: a file, or a key of KMS where `kms_key` is set."""

    key_file: str = ""
    """32 bytes; empty: `encryption.key` in the data folder, made at the first start."""
    kms_key: str = ""
    """Id, ARN or alias."""
    kms_endpoint: str = ""
    """Empty: the service's own in `kms_region`."""
    kms_region: str = "us-east-1"
    kms_profile: str | None = None
    """The profile in the ordinary AWS credentials file to sign with."""


class Encryption(MasterKey, frozen=True, forbid_unknown_fields=True):
    """Encryption at rest of what is kept, beside secrets, which always are."""

    covers: tuple[Purpose, ...] = PURPOSES
    """What is written encrypted from now on; what was, is read either way."""
    previous: MasterKey | None = None
    """The master key before this one: what it wrapped is wrapped anew at the start."""
