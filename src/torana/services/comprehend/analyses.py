"""What Comprehend finds in a text: one row an analysis, from the engine's value to members.

Offsets are code points, as the service counts them ("UTF-8 code point" in `BeginOffset` of Entity).
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct

from torana.services.comprehend.documents import LONG, SEGMENT, SHORT, Params


class Text(Struct, frozen=True):
    """What the sentiment engine takes."""

    text: str
    language: str


class Sentiment(Protocol):
    """What the sentiment engine gives: probabilities."""

    positive: float
    negative: float
    neutral: float
    mixed: float


class Language(Protocol):
    """One guess of the language engine."""

    code: str
    score: float


class Span(Protocol):
    """A place in a text, with what was found there; `type`, `text` and `tag` where it has them."""

    type: str
    text: str
    tag: str
    begin: int
    end: int
    score: float


class Toxicity(Protocol):
    """What the toxicity engine gives: probabilities."""

    toxic: float
    obscene: float
    threat: float
    insult: float
    identity_hate: float


class Place(Protocol):
    """A mention that the targeted sentiment engine gives."""

    text: str
    type: str
    begin: int
    end: int
    score: float
    group_score: float
    sentiment: Sentiment


class Target(Protocol):
    """Something that a text speaks of, by its mentions."""

    mentions: Sequence[Place]
    best: Sequence[int]


class Analysis(Struct, frozen=True):
    """How a text is sent to its engine, and how the answer is written."""

    capability: str
    write: Callable[[Any], Params]
    longest: int = SHORT
    """Bytes of a single text."""
    item: Callable[[str, str], Any] = lambda text, language: text


def _sentiment(found: Sentiment) -> Params:
    scores = {
        "Positive": found.positive,
        "Negative": found.negative,
        "Neutral": found.neutral,
        "Mixed": found.mixed,
    }
    best = max(scores, key=scores.__getitem__)
    return {"Sentiment": best.upper(), "SentimentScore": scores}


def _targets(found: Sequence[Target]) -> Params:
    entities = [
        {
            "DescriptiveMentionIndex": list(target.best),
            "Mentions": [_mention(each) for each in target.mentions],
        }
        for target in found
    ]
    return {"Entities": entities}


def _mention(place: Place) -> Params:
    return {
        "Score": place.score,
        "GroupScore": place.group_score,
        "Text": place.text,
        "Type": place.type,
        "MentionSentiment": _sentiment(place.sentiment),
        "BeginOffset": place.begin,
        "EndOffset": place.end,
    }


def _languages(found: Sequence[Language]) -> Params:
    ranked = sorted(found, key=lambda guess: guess.score, reverse=True)
    return {"Languages": [{"LanguageCode": each.code, "Score": each.score} for each in ranked]}


def _place(span: Span) -> Params:
    return {"Score": span.score, "BeginOffset": span.begin, "EndOffset": span.end}


def _entities(found: Sequence[Span]) -> Params:
    return {"Entities": [{"Type": each.type, "Text": each.text, **_place(each)} for each in found]}


def _key_phrases(found: Sequence[Span]) -> Params:
    return {"KeyPhrases": [{"Text": each.text, **_place(each)} for each in found]}


def _syntax(found: Sequence[Span]) -> Params:
    tokens = [
        {
            "TokenId": number,
            "Text": each.text,
            "BeginOffset": each.begin,
            "EndOffset": each.end,
            "PartOfSpeech": {"Tag": each.tag, "Score": each.score},
        }
        for number, each in enumerate(found, 1)
    ]
    return {"SyntaxTokens": tokens}


def _pii(found: Sequence[Span]) -> Params:
    return {"Entities": [{"Type": each.type, **_place(each)} for each in found]}


def _pii_labels(found: Sequence[Span]) -> Params:
    """Each type once, with its surest finding."""
    best: dict[str, float] = {}
    for each in found:
        best[each.type] = max(each.score, best.get(each.type, 0.0))
    ranked = sorted(best, key=lambda name: best[name], reverse=True)
    return {"Labels": [{"Name": name, "Score": best[name]} for name in ranked]}


def _toxicity(found: Toxicity) -> Params:
    """The kinds that the engine tells apart; the service has three more."""
    kinds = {
        "PROFANITY": found.obscene,
        "HATE_SPEECH": found.identity_hate,
        "INSULT": found.insult,
        "VIOLENCE_OR_THREAT": found.threat,
    }
    labels = [{"Name": name, "Score": score} for name, score in kinds.items()]
    return {"Labels": labels, "Toxicity": found.toxic}


SENTIMENT = Analysis("sentiment", _sentiment, item=Text)
DOMINANT_LANGUAGE = Analysis("dominant_language", _languages, LONG)
ENTITIES = Analysis("entities", _entities, LONG)
KEY_PHRASES = Analysis("key_phrases", _key_phrases, LONG)
SYNTAX = Analysis("syntax", _syntax)
PII = Analysis("pii", _pii, LONG)
PII_LABELS = Analysis("pii", _pii_labels, LONG)
TARGETED_SENTIMENT = Analysis("targeted_sentiment", _targets)
TOXICITY = Analysis("toxicity", _toxicity, SEGMENT)
