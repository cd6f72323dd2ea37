"""What is felt about each thing that an English text speaks of.

A mention's surroundings are the words of its own clause, without clauses that have a subject of
their own, or its noun phrase where the clause has no verb; they are judged by the sentiment
network. Who speaks is the holder of an opinion, not what it is about, and so neutral.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from torana.engines import english, sentiment
from torana.engines.engine import Capability, Engine
from torana.engines.mentions import PERSONAL, Member, Mention, groups, mentions, named_best
from torana.engines.sentiment import Sentiment, Text

_CLAUSES = frozenset({"advcl", "ccomp", "conj", "parataxis", "csubj"})
_NEUTRAL = Sentiment(0.0, 0.0, 1.0, 0.0)
_MOST = 60
"""Different surroundings that are judged of one text; it bounds what a text can cost."""


class Place(Struct, frozen=True):
    """A mention and what is felt about it."""

    text: str
    type: str
    """One of Amazon Comprehend's types."""
    begin: int
    """Code points from the start of the text."""
    end: int
    score: float
    """The probability of the tags of its words."""
    group_score: float
    """By the rule that joined it to the group: fixed, not measured."""
    sentiment: Sentiment


class Target(Struct, frozen=True):
    """Something that the text speaks of."""

    mentions: list[Place]
    best: list[int]
    """The mentions that name it best."""


class _Targets:
    def __init__(self, nlp: Any, judge: Engine[Text, Sentiment]) -> None:
        self._nlp, self._judge = nlp, judge

    def run(self, batch: Sequence[str], /) -> list[list[Target]]:
        return [self._targets(doc) for doc in english.parse(self._nlp, batch)]

    def _targets(self, doc: Any) -> list[Target]:
        made = groups(doc, mentions(doc))
        about = {
            member.mention: surroundings(doc, member.mention) for group in made for member in group
        }
        texts = [text for text in dict.fromkeys(about.values()) if text][:_MOST]
        judged = dict(zip(texts, self._judge.run([Text(t, "en") for t in texts]), strict=True))
        certain = english.tag_certainties(self._nlp, doc)

        def place(member: Member, kind: str) -> Place:
            mention = member.mention
            span = doc[mention.start : mention.end]
            return Place(
                span.text,
                kind,
                span.start_char,
                span.end_char,
                min(certain[mention.start : mention.end]),
                member.sure,
                judged.get(about[mention], _NEUTRAL),
            )

        return [
            Target([place(each, _type(group)) for each in group], named_best(doc, group))
            for group in made
        ]


def _type(group: Sequence[Member]) -> str:
    """Of the group: that of a name, else of what is no OTHER."""
    kinds = [each.mention.type for each in group if each.mention.named]
    kinds += [each.mention.type for each in group if each.mention.type != "OTHER"]
    return kinds[0] if kinds else "OTHER"


def surroundings(doc: Any, mention: Mention) -> str:
    """The words that speak of a mention; empty: it is nobody that one feels about here."""
    if mention.pronoun in PERSONAL:
        return ""
    head = doc[mention.head]
    clause = _clause(head)
    own = _phrase(head)
    if clause.pos_ not in ("VERB", "AUX") or (_described(head) and not _subject(head, clause)):
        return _joined(own)
    return _joined(sorted({*_words(clause, head), *own}, key=lambda token: token.i))


def _clause(head: Any) -> Any:
    """The verb that a word hangs on, or the word above all."""
    token = head
    while token.head.i != token.i:
        if token.pos_ in ("VERB", "AUX") and token.dep_ not in ("aux", "auxpass", "amod"):
            return token
        if token.dep_ == "conj" and _own_subject(token):
            return token
        if token.dep_ == "conj" and token.head.pos_ not in ("VERB", "AUX") and _noun(token):
            up = _clause(token.head)
            return up if up.pos_ in ("VERB", "AUX") else token
        token = token.head
    return token


def _noun(token: Any) -> bool:
    return token.pos_ in ("NOUN", "PROPN")


def _own_subject(token: Any) -> bool:
    return any(child.dep_ in ("nsubj", "nsubjpass", "expl") for child in token.children)


def _subject(head: Any, clause: Any) -> bool:
    return head.dep_ in ("nsubj", "nsubjpass") and head.head == clause


def _described(head: Any) -> bool:
    return any(child.dep_ in ("amod", "relcl", "acl") for child in head.children)


def _phrase(head: Any) -> list[Any]:
    """A noun with what belongs to it, without others that are joined to it."""
    return [head, *_under(head, _belongs)]


def _belongs(child: Any) -> bool:
    return child.dep_ not in ("conj", "cc", "punct", "appos")


def _words(clause: Any, head: Any) -> list[Any]:
    """A clause without those within it that have a subject of their own.

    A verb that is joined to it belongs to it where they share the subject and that is meant.
    """
    shared = _subject(head, clause)

    def wanted(child: Any) -> bool:
        if child.dep_ == "cc":
            return shared
        if child.dep_ == "conj" and child.pos_ in ("VERB", "AUX"):
            return shared and not _own_subject(child)
        return child.dep_ not in _CLAUSES or not _own_subject(child)

    return [clause, *_under(clause, wanted)]


def _under(token: Any, wanted: Any) -> Iterator[Any]:
    for child in token.children:
        if wanted(child):
            yield child
            yield from _under(child, wanted)


def _joined(tokens: Sequence[Any]) -> str:
    ranked = sorted(tokens, key=lambda token: token.i)
    return " ".join(token.text for token in ranked if not token.is_punct)


def load() -> Engine[str, list[Target]]:
    """Raises `EngineMissing`."""
    return _Targets(english.pipeline("targeted sentiment"), sentiment.load())


ENGINE = Capability(
    name="targeted_sentiment",
    input=str,
    output=list[Target],
    load=load,
    languages=english.LANGUAGES,
    host="sentiment",
    batch=4,
    longest=120.0,
)
