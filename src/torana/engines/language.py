"""The languages a text may be in."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from torana.engines.engine import Capability, Engine, package

_CODES = """
    af am ar as az ba be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gd gl gu ha he hi
    hr ht hu hy id is it ja jv ka kk km kn ko ku ky la lb lo lt lv mg mk ml mn mr ms mt my ne nl no
    om or pa pl ps pt qu ro ru sa si sk sl so sq sr sv sw ta te tg th tk tl tr tt ug uk ur uz vi yo
    zh zh-TW
"""
LANGUAGES = frozenset(_CODES.split())
"""Those of Amazon Comprehend's list that can be told apart; the model knows no ceb, cv, ilo, new,
sd, su and yi."""

_LEAST = 0.01
"""Guesses below this are left out."""
_MOST = 5


class Language(Struct, frozen=True):
    """A guess."""

    code: str
    """RFC 5646, as Amazon Comprehend writes it."""
    score: float
    """Probability; those of all languages add up to 1."""


class _Model(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]: ...


class LangId:
    """py3langid: naive Bayes over byte n-grams, its scores tempered by the text's length."""

    def __init__(self, model: _Model) -> None:
        self._model = model
        # What the model says of a text in which it recognises nothing.
        self._nothing = dict(model.rank(""))

    def run(self, batch: Sequence[str], /) -> list[list[Language]]:
        """Best first; empty where nothing speaks for any language."""
        return [self._guesses(text) for text in batch]

    def _guesses(self, text: str) -> list[Language]:
        ranked = self._model.rank(text)
        if dict(ranked[:1]).items() <= self._nothing.items():
            return []
        best = [Language(_script(code, text), score) for code, score in ranked[:_MOST]]
        return [guess for guess in best if guess.score >= _LEAST]


def _script(code: str, text: str) -> str:
    """Tell traditional from simplified Chinese by the characters that only one of them has."""
    if code != "zh":
        return code
    traditional = simplified = 0
    for character in text:
        in_mainland, in_taiwan = _has(character, "gb2312"), _has(character, "big5")
        simplified += in_mainland and not in_taiwan
        traditional += in_taiwan and not in_mainland
    return "zh-TW" if traditional > simplified else "zh"


def _has(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def load() -> Engine[str, list[Language]]:
    """The model of 140 languages, restricted to ours. Raises `EngineMissing`."""
    langid = package("dominant language", "py3langid.langid")
    model = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    model.set_languages(LANGUAGES.intersection(model.labels))
    return LangId(model)


ENGINE = Capability(name="dominant_language", input=str, output=list[Language], load=load)
