"""Settings of data: how what is kept is encrypted, and what becomes of personal data."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

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


Action = Literal["mask", "tokenise", "detokenise", "block"]


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """What is done to personal data in a body, and how it is found."""

    action: Action
    fields: tuple[str, ...] = ()
    """JSON paths, such as `$.customer.email`."""
    detect: tuple[str, ...] = ()
    """Amazon Comprehend's PII entity types, or `ALL`."""


class Privacy(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of personal data in the bodies of an API, a stage or a method. Rules are
    applied in order."""

    request: tuple[Rule, ...] = ()
    """On its way to the backend."""
    response: tuple[Rule, ...] = ()
    """On its way to the client."""
    logs: tuple[str, ...] = ()
    """Types that are masked in access and execution logs."""
    tenant: str = ""
    """A variable, such as `$context.authorizer.claims.sub`: everybody it names has a key for tokens
    of their own. Empty: the API has one."""


class ApiPrivacy(Struct, frozen=True):
    """What a definition says."""

    whole: Privacy | None = None
    operations: dict[str, Privacy] = {}
    """By `GET /pets/{id}`, or a route key, in the place of `whole`."""

    def of(self, operation: str) -> Privacy | None:
        """What holds for an operation."""
        return self.operations.get(operation, self.whole)


class PrivacySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Personal data in what passes and in logs."""

    logs: tuple[str, ...] = ()
    """Types that are masked in every line of access, execution and functions' logs."""
    apis: dict[str, Privacy] = {}
    """By `api`, `api/stage` or `api/stage/GET /pets`; the nearest wins, and over what a definition
    says."""

    def of(self, api: str, stage: str, operation: str) -> Privacy | None:
        """What the settings say of an operation."""
        for name in (f"{api}/{stage}/{operation}", f"{api}/{stage}", api):
            if name in self.apis:
                return self.apis[name]
        return None


Days = Annotated[int, Meta(ge=0, le=36500)]


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days what is kept is kept; 0: as long as there is room for it.

    A log group's own retention policy comes first. The audit trail's is `audit.retention_days`.
    """

    access_logs: Days = 0
    """Log groups that stages name, and the files beside them."""
    execution_logs: Days = 0
    function_logs: Days = 0
    other_logs: Days = 0
    usage: Days = 0
    """The LLM API's ledger: costs and budgets know no more than it holds."""
    traces: Days = 30
    metrics: Days = 455
    """Values become more coarse, and go after 455 days in any case."""
    jobs: Days = 0
    """Jobs of Comprehend and Transcribe and batches that are over, files of the LLM API."""
    tokens: Days = 0
    """Keys of tokens: older tokens lead nowhere."""
