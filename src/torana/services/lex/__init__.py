"""Amazon Lex V2: bots, built here, and conversations with them."""

from pathlib import Path

from torana.services.apigateway.book import Book
from torana.services.background import Background
from torana.services.engine_calls import EngineCalls
from torana.services.lex.bots import Aliases, Bots, Tags, Versions
from torana.services.lex.builds import Builds
from torana.services.lex.locales import Locales
from torana.services.lex.parts import Intents, Slots, SlotTypes
from torana.services.lex.runtime import Talk, TextRuntime
from torana.services.lex.utterances import Utterances
from torana.services.ports import Engines, Functions
from torana.state.store import Store


def lex_models(
    store: Store, engines: Engines, background: Background, folder: Path
) -> tuple[object, ...]:
    """The facade of model building. `folder`: for trained bots."""
    book, builds = Book(store, "lex"), Builds(store, engines, folder)
    return (
        Bots(book),
        Versions(book),
        Aliases(book),
        Locales(book, builds, background),
        Intents(book),
        Slots(book),
        SlotTypes(book),
        Tags(book),
    )


def lex_runtime(
    store: Store, engines: Engines, functions: Functions, background: Background, folder: Path
) -> tuple[object, ...]:
    """The facade of conversations."""
    calls = EngineCalls(engines, busy_status=429)
    talk = Talk(store, calls, functions, background, folder)
    return TextRuntime(talk), Utterances(talk, calls)


async def resume(store: Store, engines: Engines, folder: Path) -> None:
    """Build the locales that an earlier process accepted and did not finish."""
    await Builds(store, engines, folder).resume()
