"""Amazon Lex V1: bots by their names, over the same recogniser and dialogue as V2."""

from pathlib import Path

from torana.services.apigateway.book import Book
from torana.services.background import Background
from torana.services.engine_calls import EngineCalls
from torana.services.lex.builds import Builds
from torana.services.lex.runtime import Talk
from torana.services.lex.utterances import Utterances
from torana.services.lex_v1.bots import Aliases, Bots, Tags
from torana.services.lex_v1.builds import BotBuilds
from torana.services.lex_v1.models import Builtins, Intents, SlotTypes
from torana.services.lex_v1.runtime import Runtime
from torana.services.ports import Engines, Functions
from torana.state.store import Store


def lex_v1_models(
    store: Store, engines: Engines, background: Background, folder: Path
) -> tuple[object, ...]:
    """The facade of model building. `folder`: for trained bots."""
    book, builds = Book(store, "lex"), BotBuilds(store, Builds(store, engines, folder))
    return (
        SlotTypes(book),
        Intents(book),
        Bots(book, builds, background),
        Aliases(book),
        Tags(book),
        Builtins(),
    )


def lex_v1_runtime(
    store: Store, engines: Engines, functions: Functions, background: Background, folder: Path
) -> object:
    """The facade of conversations."""
    calls = EngineCalls(engines, "LimitExceededException", 429, "InternalFailureException")
    talk = Talk(store, calls, functions, background, folder)
    return Runtime(talk, Utterances(talk, calls), functions)


async def resume(store: Store, engines: Engines, folder: Path) -> None:
    """Build the bots that an earlier process accepted and did not finish."""
    await BotBuilds(store, Builds(store, engines, folder)).resume()
