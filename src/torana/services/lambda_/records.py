"""What is stored of a function: one document holds it whole, so that every change is atomic."""

from typing import Any

from msgspec import Struct

Json = dict[str, Any]


class Config(Struct, frozen=True):
    """One version's configuration. `environment` is sealed."""

    version: str
    runtime: str
    handler: str
    role: str
    code_sha256: str
    """Hexadecimal; names the code in the store."""
    code_size: int
    modified: float
    """Unix time."""
    revision: str
    """The service's RevisionId."""
    description: str = ""
    timeout: int = 3
    memory: int = 128
    storage: int = 512
    environment: str = ""
    layers: tuple[str, ...] = ()
    """ARNs of layer versions."""
    layer_codes: tuple[str, ...] = ()
    """Their packages."""
    architectures: tuple[str, ...] = ("x86_64",)
    dead_letter: str = ""


class Alias(Struct, frozen=True):
    """A name for a version, or for two by weight."""

    name: str
    version: str
    revision: str
    description: str = ""
    weights: dict[str, float] = {}
    """Of further versions, 0 to 1."""


class AsyncConfig(Struct, frozen=True):
    """How asynchronous invocations are retried, and where their results go."""

    modified: float
    retries: int | None = None
    age: int | None = None
    """Seconds."""
    destinations: dict[str, dict[str, str]] = {}
    """`OnSuccess` and `OnFailure`."""

    def destination(self, which: str) -> str:
        """An ARN; empty: none."""
        return self.destinations.get(which, {}).get("Destination", "")


class Url(Struct, frozen=True):
    """A function URL's settings."""

    id: str
    auth: str
    created: float
    modified: float
    mode: str = "BUFFERED"
    cors: Json = {}


class Record(Struct, frozen=True):
    """A function, whole."""

    name: str
    latest: Config
    versions: dict[str, Config] = {}
    counter: int = 0
    """The number of the newest version ever published."""
    aliases: dict[str, Alias] = {}
    policies: dict[str, list[Json]] = {}
    """Statements by qualifier; empty: of the function itself."""
    reserved: int | None = None
    provisioned: dict[str, int] = {}
    """Instances that are kept, by version or alias."""
    asynchronous: dict[str, AsyncConfig] = {}
    urls: dict[str, Url] = {}
    tags: dict[str, str] = {}

    def codes(self) -> set[str]:
        """The packages that its versions are made of."""
        configs = (self.latest, *self.versions.values())
        return {code for each in configs for code in (each.code_sha256, *each.layer_codes)}
