"""What a bot understands in one language: intents, their slots and the types of those."""

from msgspec import Struct


class SlotType(Struct, frozen=True):
    """What a slot may hold."""

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Each value with its synonyms."""
    open: bool = True
    """Whether values beside those are taken, as they are said."""
    builtin: str = ""
    """A type of the service's own, such as `AMAZON.Number`."""
    pattern: str = ""
    """What a value must match, as a regular expression."""


class Slot(Struct, frozen=True):
    """A place to be filled. `utterances`: how it is answered, `{name}` standing for the value."""

    name: str
    type: str
    utterances: tuple[str, ...] = ()
    many: bool = False


class Intent(Struct, frozen=True):
    """Something that may be wanted. In an utterance `{slot}` stands for a slot's value."""

    name: str
    utterances: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()


class Grammar(Struct, frozen=True):
    """A bot in one language."""

    language: str
    """Two letters."""
    intents: tuple[Intent, ...] = ()
    types: dict[str, SlotType] = {}


class Value(Struct, frozen=True):
    """What a slot holds."""

    said: str
    """As it was said."""
    value: str
    """As it is meant."""
    others: tuple[str, ...] = ()
    """Every meaning, the likeliest first."""


class Utterance(Struct, frozen=True):
    """What was said, to be understood."""

    model: str
    """The trained file."""
    text: str
    intents: tuple[str, ...] = ()
    """Those that may be meant; empty: all."""
    intent: str = ""
    """The one under way."""
    slot: str = ""
    """Of it: what was asked for."""
    now: str = ""
    """The local time that words such as `tomorrow` are counted from, in ISO 8601."""


class Guess(Struct, frozen=True):
    """An intent that may be meant."""

    intent: str
    score: float
    slots: dict[str, tuple[Value, ...]] = {}
    exact: bool = False
    """The words are those of a sample utterance."""


class Understood(Struct, frozen=True):
    """What an utterance may mean."""

    guesses: tuple[Guess, ...] = ()
    """The likeliest first."""
    answer: tuple[Value, ...] = ()
    """To what was asked for; empty: it does not answer that."""
    named: dict[str, tuple[Value, ...]] = {}
    """Other slots of the intent under way that are named beside."""
    agreed: bool | None = None
    """Yes, no, or neither."""


class Lesson(Struct, frozen=True):
    """What to train, and where the model's file is to be."""

    grammar: Grammar
    path: str


class Learned(Struct, frozen=True):
    """What came of it."""

    utterances: int = 0
    accuracy: float = 0.0
    """Share of the sample utterances that are understood when they are left out of training."""
    bad: str = ""
    """Set when nothing can be learned."""
