"""What is wrong with a document: where, which rule, and what to do about it."""

from msgspec import Struct


class Mistake(Struct, frozen=True, order=True):
    """One finding. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    rule: str
    """The rule's short name, as listed in `docs/definitions.md`."""
    message: str
    mend: str = ""
    """What to write instead, where that can be said."""

    def __str__(self) -> str:
        said = f"{self.file}:{self.line}: {self.rule}: {self.message}"
        return f"{said}; {self.mend}" if self.mend else said


class InvalidDocument(Exception):
    """Every mistake of a document at once, in the order of its lines."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes
