"""Settings of the LLM API and of MCP. Read by `torana.settings`, of which they are part."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct


class LlmAccess(Struct, frozen=True, forbid_unknown_fields=True):
    """Who gives the access tokens of a provider. What is empty comes from the variables that the
    clouds' own tools read."""

    by: Literal["entra", "managed-identity", "google"]
    tenant: str = ""
    client_id: str = ""
    client_secret: str = ""
    """`env:NAME`, `file:PATH` or a literal."""
    token_file: str = ""
    """Of a workload that is given tokens as a file."""
    credentials: str = ""
    """Google's file of credentials; empty without the variable: the metadata server is asked."""
    scope: str = ""
    authority: str = ""
    """Where tokens are asked for, if not at the vendor's own address."""


class LlmProvider(Struct, frozen=True, forbid_unknown_fields=True):
    """An account at a provider of models. Times are in seconds."""

    type: str
    """A row of `llm/vendors.toml`."""
    base_url: str = ""
    """Where it is not the vendor's own."""
    api_key: str = ""
    """`env:NAME`, `file:PATH` or a literal."""
    access: LlmAccess | None = None
    """Instead of a key: tokens that end, and are fetched anew."""
    headers: dict[str, str] = {}
    region: str | None = None
    """For Bedrock: the gateway's own region where it is not named."""
    profile: str | None = None
    """The profile in the ordinary AWS credentials file to sign with."""
    connect_timeout: float = 5.0
    first_timeout: float = 120.0
    """Until the first token of a stream."""
    idle_timeout: float = 60.0
    """Between two pieces of an answer."""
    total_timeout: float = 900.0


class LlmTarget(Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's model."""

    provider: str
    model: str
    weight: float = 1.0


class LlmShadow(Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's model that part of the questions go to as well."""

    provider: str
    model: str
    share: float = 1.0


class LlmRule(Struct, frozen=True, forbid_unknown_fields=True):
    """What a guardrail looks for, and what it does then."""

    finds: Literal[
        "pii", "secrets", "words", "pattern", "injection", "toxicity", "topics", "webhook", "schema"
    ]
    action: Literal["mask", "block"] = "mask"
    on: tuple[Literal["input", "output"], ...] | None = None
    """None: both; for injections the input."""
    types: tuple[str, ...] = ()
    """Of personal data, secrets or toxicity; none: all."""
    words: tuple[str, ...] = ()
    pattern: str = ""
    threshold: float | None = None
    """How likely, or near, a text must be to count: 0 to 1."""
    topics: dict[str, tuple[str, ...]] = {}
    """Examples of what is not to be spoken of, by topic."""
    url: str = ""
    """Of a webhook."""
    headers: dict[str, str] = {}
    timeout: float = 5.0
    on_failure: Literal["block", "pass"] = "block"
    """What becomes of a text that the webhook does not judge."""
    schema: dict[str, Any] = {}
    """Of answers."""
    repairs: int = 1
    name: str = ""
    """What stands in the place of what is masked, for words and patterns."""
    message: str = ""
    """What a client is told whose request, or its answer, is blocked."""


class LlmGuardrail(Struct, frozen=True, forbid_unknown_fields=True):
    """Rules that models may share."""

    rules: tuple[LlmRule, ...]


class LlmModel(Struct, frozen=True, forbid_unknown_fields=True):
    """What clients call, and who may answer."""

    targets: tuple[LlmTarget, ...]
    fallbacks: tuple[str, ...] = ()
    """Other models here, tried in turn when no target answers."""
    routing: Literal["weighted", "least-busy", "least-latency", "least-cost"] = "weighted"
    affinity: str = ""
    """Keeps a session with one target: `key`, `user` or `header:NAME` says what a session is."""
    retries: int = 1
    """Further rounds through the candidates, after a pause."""
    cache_seconds: float = 0.0
    """How long an answer is kept for the same question; 0: not at all."""
    cache_for: Literal["key", "user", "team", "organization"] = "key"
    """Whose questions may get the answer; of keys that are of none, each key's own alone."""
    cache_similarity: float = 0.0
    """How near (0 to 1) the last turn's words must be to those of a kept answer to get that one; 0:
    only the same question does. Needs the embedded engines."""
    guardrails: tuple[str, ...] = ()
    """What questions and answers must pass."""
    hedge_seconds: float = 0.0
    """After so long without a token the next target is asked as well; 0: it is not."""
    shadows: tuple[LlmShadow, ...] = ()
    """Targets that are asked the same, for nobody to read."""
    probe_seconds: float = 0.0
    """How often targets that keep failing are asked for one token; 0: never."""
    cooldown: float = 15.0
    """Seconds that a target which keeps failing is left alone."""
    content: bool = False
    """What is asked and answered is kept, as `llm.content` says."""


class LlmTurn(Struct, frozen=True, forbid_unknown_fields=True):
    """A turn of a prompt; `{{name}}` in its text is a variable."""

    text: str
    role: Literal["user", "assistant"] = "user"


class LlmPromptVersion(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a prompt, never changed once it is in use."""

    model: str
    system: str = ""
    text: str = ""
    """The only turn, the user's; else `turns` are all."""
    turns: tuple[LlmTurn, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    output: dict[str, Any] | None = None
    """The JSON Schema of its answers, which are text without one."""
    repairs: int = 1
    """How often a model is told what is wrong with its answer, and asked again."""


class LlmPrompt(Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt that APIs may call."""

    versions: dict[str, LlmPromptVersion]
    description: str = ""
    key: str = ""
    """The virtual key that it spends from; empty: without limits."""


class LlmBudget(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be used in a period: money, tokens, or both."""

    usd: float | None = None
    tokens: float | None = None
    period: Literal["day", "week", "month"] = "month"


class LlmLimits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What keys, and all that is above them, have in common. A key spends from the limits of its
    user, its team and its organization, too, and may what all of them may."""

    models: tuple[str, ...] = ()
    """Empty: every model."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    budget: LlmBudget | tuple[LlmBudget, ...] | None = None
    expires: datetime | None = None
    enabled: bool = True
    """Otherwise no key of it is good."""
    mcp: tuple[str, ...] = ()
    """MCP servers, or `server/tool`, `*` for any; empty: of keys none, of others no bound."""
    content: bool = False
    """What is asked and answered is kept, as `llm.content` says."""
    description: str = ""

    def budgets(self) -> tuple[LlmBudget, ...]:
        """All of them."""
        given = self.budget
        return given if isinstance(given, tuple) else (given,) if given is not None else ()


class LlmKey(LlmLimits, frozen=True, forbid_unknown_fields=True):
    """A virtual key."""

    secret: str
    team: str = ""
    """Empty: that of its user."""
    user: str = ""
    tags: tuple[str, ...] = ()
    """What its requests are reported under as well."""


class LlmUser(LlmLimits, frozen=True, forbid_unknown_fields=True):
    """Whose keys may be several."""

    team: str = ""


class LlmTeam(LlmLimits, frozen=True, forbid_unknown_fields=True):
    """What several users and keys share."""

    organization: str = ""


class LlmOrganization(LlmLimits, frozen=True, forbid_unknown_fields=True):
    """What several teams share."""


class LlmContent(Struct, frozen=True, forbid_unknown_fields=True):
    """Where what is asked and answered is kept, for those who opt in."""

    group: str = ""
    """A log group."""
    otlp: bool = False
    """Events for the collector of `otlp`."""
    guardrails: tuple[str, ...] = ()
    """Whose masks it passes; none: personal data and secrets are masked by their form."""
    longest: int = 16384
    """Characters of each text."""
    everything: bool = False
    """Everybody opts in."""


class LlmPrice(Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars for a million tokens."""

    input: float
    output: float
    cached: float | None = None


class Llm(Struct, frozen=True, forbid_unknown_fields=True):
    """The LLM API of the front door."""

    providers: dict[str, LlmProvider] = {}
    models: dict[str, LlmModel] = {}
    guardrails: dict[str, LlmGuardrail] = {}
    organizations: dict[str, LlmOrganization] = {}
    teams: dict[str, LlmTeam] = {}
    users: dict[str, LlmUser] = {}
    keys: dict[str, LlmKey] = {}
    prices: dict[str, LlmPrice] = {}
    """By a provider's model: what the catalogue lacks, or has otherwise."""
    prompts: dict[str, LlmPrompt] = {}
    end_user: str = ""
    """Who of a key's own users a request is for: `user` (the body's, as clients of any API name
    them) or `header:NAME`; empty: it is not looked for."""
    content: LlmContent = LlmContent()
    traces: float = 0.0
    """The share of calls, 0 to 1, that are traced although their caller did not say."""


class McpServer(Struct, frozen=True, forbid_unknown_fields=True):
    """An MCP server elsewhere, reached over streamable HTTP. Times are in seconds."""

    url: str
    headers: dict[str, str] = {}
    """Sent along; values may be `env:NAME` or `file:PATH`."""
    tools: tuple[str, ...] = ("*",)
    """Names of the tools that are let through; `*` stands for anything."""
    hidden: tuple[str, ...] = ()
    """Names of those that are not."""
    limits: dict[str, float] = {}
    """Calls a minute for each key, by a tool's name; `*` stands for anything."""
    connect_timeout: float = 5.0
    idle_timeout: float = 300.0
    """Until an answer begins, and between two pieces of it."""


class Mcp(Struct, frozen=True, forbid_unknown_fields=True):
    """The Model Context Protocol on the front door."""

    apis: tuple[str, ...] = ()
    """Stages whose methods are offered as tools: `api-id/stage`; `*` stands for anything."""
    servers: dict[str, McpServer] = {}
    origins: tuple[str, ...] = ()
    """Origins of web pages, other than the gateway's own, whose scripts may ask."""
    authorization_servers: tuple[str, ...] = ()
    """Issuers whose tokens the authorizers of APIs take: clients are told where to get one."""
    scopes: tuple[str, ...] = ()
    """What clients are to ask them for."""
    address: str = ""
    """Where clients see the gateway, such as `https://api.example.com`; empty: as they name it."""
