"""Translation by rules: Apertium, whose language pairs are Debian packages.

No package index carries weights of a neural translator, so this is what a closed network can have.
Related languages (Spanish and Catalan, Danish and Norwegian) come out well, English as a gist.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from torana.engines.engine import Capability, Engine, EngineMissing

_PACKAGES: Mapping[str, str] = {
    "apertium-dan-nor": "da-no:dan-nob no-da:nob-dan",
    "apertium-eng-cat": "en-ca:eng-cat ca-en:cat-eng",
    "apertium-eng-spa": "en-es:eng-spa es-en:spa-eng",
    "apertium-es-pt": "es-pt:es-pt_BR es-pt-PT:es-pt pt-es:pt-es pt-PT-es:pt-es",
    "apertium-fr-es": "fr-es:fr-es es-fr:es-fr",
    "apertium-hbs-eng": "hr-en:hbs-eng bs-en:hbs-eng en-hr:eng-hbs_HR en-bs:eng-hbs_BS",
    "apertium-isl-eng": "is-en:isl-eng",
    "apertium-mkd-eng": "mk-en:mkd-eng",
    "apertium-rus-ukr": "ru-uk:rus-ukr uk-ru:ukr-rus",
    "apertium-spa-cat": "es-ca:spa-cat ca-es:cat-spa",
    "apertium-spa-ita": "es-it:spa-ita it-es:ita-spa",
    "apertium-swe-dan": "sv-da:swe-dan da-sv:dan-swe",
    "apertium-swe-nor": "sv-no:swe-nob no-sv:nob-swe",
}
"""Debian package to its pairs, in Amazon's codes, and Apertium's names of them."""


def _modes() -> dict[str, tuple[str, str]]:
    rows = ((package, row) for package, text in _PACKAGES.items() for row in text.split())
    split = ((package, row.partition(":")) for package, row in rows)
    return {pair: (mode, package) for package, (pair, _, mode) in split}


MODES: Mapping[str, tuple[str, str]] = _modes()
"""`en-es` to Apertium's mode and its package."""
_TIMEOUT = 30.0


class Text(Struct, frozen=True):
    """What to translate. `pair` is a key of `MODES`."""

    text: str
    pair: str
    format: Literal["txt", "html"] = "txt"


class _Apertium:
    def __init__(self, program: str) -> None:
        self._program = program
        self._there = frozenset(self._ask("-l").split())

    def _ask(self, *arguments: str, text: str = "") -> str:
        done = subprocess.run(  # noqa: S603  a fixed program, its arguments from a table
            [self._program, *arguments],
            input=text.encode("utf-8", "replace"),
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
        )
        return done.stdout.decode("utf-8", "replace")

    def run(self, batch: Sequence[Text], /) -> list[str]:
        return [self._translate(each) for each in batch]

    def _translate(self, wanted: Text) -> str:
        mode, package = MODES[wanted.pair]
        if mode not in self._there:
            raise EngineMissing(f"translation {wanted.pair} needs: apt-get install {package}")
        if not wanted.text.strip():
            return wanted.text
        # Its parts pass on nothing that lacks a final line break, which is then taken away again.
        said = self._ask("-u", "-f", wanted.format, mode, text=f"{wanted.text}\n")
        said = said.removesuffix("\n")
        # A pronoun that the other language leaves out leaves its space behind.
        return said if wanted.text[0].isspace() else said.lstrip(" ")


def load() -> Engine[Text, str]:
    """Raises `EngineMissing`."""
    program = shutil.which("apertium")
    if program is None:
        raise EngineMissing(
            "translation needs Apertium: apt-get install apertium, and the package of each pair, "
            "such as apertium-eng-spa"
        )
    return _Apertium(program)


ENGINE = Capability(
    name="translation",
    input=Text,
    output=str,
    load=load,
    languages=frozenset(MODES),
    batch=4,
    threads=2,
    longest=120.0,
)
