"""What an English text speaks of, and which words mean the same thing.

Mentions are named entities, the nouns of noun phrases, and personal pronouns. They are grouped by
rules, the surest first, as in the multi-pass sieve of Lee et al. (2013), "Deterministic coreference
resolution based on entity-centric, precision-ranked rules": the same name; a part of a name; the
same noun with a definite article; then pronouns, to the nearest group before that agrees in number
and kind, subjects preferred.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

TYPES: Mapping[str, str] = {
    "CARDINAL": "QUANTITY",
    "DATE": "DATE",
    "EVENT": "EVENT",
    "FAC": "FACILITY",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "MONEY": "QUANTITY",
    "ORDINAL": "QUANTITY",
    "ORG": "ORGANIZATION",
    "PERCENT": "QUANTITY",
    "PERSON": "PERSON",
    "PRODUCT": "COMMERCIAL_ITEM",
    "QUANTITY": "QUANTITY",
    "TIME": "DATE",
}
"""OntoNotes' labels as Amazon's types; others are OTHER."""
_SPEAKER = frozenset(["i", "me", "my", "mine", "myself"])
_SPEAKERS = frozenset(["we", "us", "our", "ours", "ourselves"])
_HEARER = frozenset(["you", "your", "yours", "yourself", "yourselves"])
_ONE = frozenset(["he", "him", "his", "himself", "she", "her", "hers", "herself"])
_FEMALE = frozenset(["she", "her", "hers", "herself"])
_THING = frozenset(["it", "its", "itself"])
_MANY = frozenset(["they", "them", "their", "theirs", "themselves"])
PERSONAL = _SPEAKER | _SPEAKERS | _HEARER
"""Pronouns of who speaks and who is spoken to."""
_PRONOUNS = PERSONAL | _ONE | _THING | _MANY
_SAME, _PART, _NOUN, _PRONOUN = 1.0, 0.9, 0.8, 0.7
"""How sure a group is, by the rule that joined a mention to it: not measured."""
_FAR = 3
"""Sentences back in which a pronoun's antecedent is looked for."""
_TITLES = frozenset(["mr", "mr.", "mrs", "mrs.", "ms", "ms.", "dr", "dr.", "prof", "prof.", "sir"])


class Mention(NamedTuple):
    """Some words that mean something."""

    start: int
    """First token."""
    end: int
    head: int
    """The token that the others belong to."""
    type: str
    named: bool
    pronoun: str = ""


class Member(NamedTuple):
    """A mention in its group."""

    mention: Mention
    sure: float


def mentions(doc: Any) -> list[Mention]:
    """Of a parsed text, from left to right, none within another."""
    found: dict[int, Mention] = {}
    taken = set[int]()
    for span in doc.ents:
        start = span.start + (span[0].lower_ in ("the", "a", "an") and len(span) > 1)
        head = span.root.i
        found[start] = Mention(start, span.end, head, TYPES.get(span.label_, "OTHER"), named=True)
        taken.update(range(span.start, span.end))
    for token in doc:
        if token.lower_ in _PRONOUNS and token.pos_ == "PRON" and token.i not in taken:
            found[token.i] = Mention(
                token.i, token.i + 1, token.i, _kind(token), named=False, pronoun=token.lower_
            )
            taken.add(token.i)
    for chunk in doc.noun_chunks:
        head = chunk.root
        names = head.pos_ in ("NOUN", "PROPN") and any(char.isalnum() for char in head.text)
        if not names or head.i in taken:
            continue
        start = head.i
        while start > chunk.start and doc[start - 1].dep_ == "compound" and start - 1 not in taken:
            start -= 1
        kind = "ATTRIBUTE" if _owned(head) else "OTHER"
        found[start] = Mention(start, head.i + 1, head.i, kind, named=False)
        taken.update(range(start, head.i + 1))
    return [found[start] for start in sorted(found)]


def _kind(token: Any) -> str:
    return "PERSON" if token.lower_ in PERSONAL | _ONE else "OTHER"


def _owned(head: Any) -> bool:
    """Whether something has it: its battery, the price of the room."""
    if any(child.dep_ == "poss" and child.lower_ not in _SPEAKER for child in head.children):
        return True
    return any(
        child.lower_ == "of" and any(each.dep_ == "pobj" for each in child.children)
        for child in head.children
        if child.dep_ == "prep"
    )


def groups(doc: Any, found: Sequence[Mention]) -> list[list[Member]]:
    """Mentions of the same thing together, in the order of their first ones."""
    made: list[list[Member]] = []
    for mention in found:
        best = _group(doc, made, mention)
        if best is None:
            made.append([Member(mention, _SAME)])
        else:
            at, sure = best
            made[at].append(Member(mention, sure))
    return made


def _group(doc: Any, made: list[list[Member]], mention: Mention) -> tuple[int, float] | None:
    if mention.pronoun in PERSONAL:
        return _by_speaker(made, mention)
    if mention.pronoun:
        at = _antecedent(doc, made, mention)
        return None if at is None else (at, _PRONOUN)
    words = _words(doc, mention)
    for rule in (_same_name, _part_of_name, _same_noun):
        for at in reversed(range(len(made))):
            sure = max(rule(doc, each.mention, mention, words) for each in made[at])
            if sure:
                return at, sure
    return None


def _by_speaker(made: list[list[Member]], mention: Mention) -> tuple[int, float] | None:
    for at, group in enumerate(made):
        for kind in (_SPEAKER, _SPEAKERS, _HEARER):
            if mention.pronoun in kind and group[0].mention.pronoun in kind:
                return at, _SAME
    return None


def _words(doc: Any, mention: Mention) -> list[str]:
    words = [doc[at].lower_ for at in range(mention.start, mention.end)]
    return [word for word in words if word not in _TITLES and word != "'s"]


def _same_name(doc: Any, one: Mention, other: Mention, words: list[str]) -> float:
    same = one.named and other.named and one.type == other.type and _words(doc, one) == words
    return _SAME if same else 0.0


def _part_of_name(doc: Any, one: Mention, other: Mention, words: list[str]) -> float:
    """Obama of Barack Obama; IBM of International Business Machines."""
    if not one.named or not other.named or other.type in ("DATE", "QUANTITY"):
        return 0.0
    whole = _words(doc, one)
    part = bool(words) and len(words) < len(whole) and set(words) <= set(whole)
    initials = "".join(word[0] for word in whole if word[0].isalnum())
    short = len(whole) > 1 and words == [initials]
    return _PART if (part and one.type == other.type) or short else 0.0


def _same_noun(doc: Any, one: Mention, other: Mention, words: list[str]) -> float:
    """The room, where a room was spoken of."""
    if one.named or other.named or one.pronoun:
        return 0.0
    definite = any(
        child.lower_ in ("the", "this", "that", "these", "those")
        for child in doc[other.head].children
    )
    if not definite or doc[one.head].lemma_ != doc[other.head].lemma_:
        return 0.0
    return _NOUN if doc[one.head].tag_ == doc[other.head].tag_ else 0.0


def _antecedent(doc: Any, made: list[list[Member]], mention: Mention) -> int | None:
    """The group before that a pronoun speaks of: the likeliest of those that agree."""
    sentences = {token.i: at for at, sentence in enumerate(doc.sents) for token in sentence}
    here, best, place = sentences[mention.head], 0.0, None
    for at, group in enumerate(made):
        last = max((each.mention for each in group), key=lambda each: each.start)
        back = here - sentences[last.head]
        if back > _FAR or not _agrees(doc, group, mention):
            continue
        if _within(doc, last, mention):
            continue
        weight = _salience(doc, last) - 0.4 * back - (0.002 * (mention.start - last.start))
        if mention.pronoun in _ONE and group[0].mention.type == "PERSON":
            weight += 0.8
        if any(each.mention.pronoun == mention.pronoun for each in group):
            weight += 0.5
        if weight > best or place is None:
            best, place = weight, at
    return place


def _salience(doc: Any, mention: Mention) -> float:
    """Subjects before objects before what hangs on prepositions."""
    role = doc[mention.head].dep_
    if role in ("nsubj", "nsubjpass"):
        return 1.2
    if role in ("dobj", "attr"):
        return 1.0
    return 0.6


def _within(doc: Any, one: Mention, other: Mention) -> bool:
    """Of one verb, as subject and object: Anna saw her means two of them, Anna lost her keys
    does not."""
    if other.pronoun in ("his", "her", "its", "their") and doc[other.head].dep_ == "poss":
        return doc[one.head] == doc[other.head].head
    same = doc[one.head].head == doc[other.head].head
    reflexive = other.pronoun.endswith(("self", "selves"))
    return same and not reflexive and doc[other.head].dep_ != "poss"


def _agrees(doc: Any, group: list[Member], mention: Mention) -> bool:
    first, word = group[0].mention, mention.pronoun
    if first.pronoun in PERSONAL or first.type in ("DATE", "QUANTITY"):
        return False
    pronouns = {each.mention.pronoun for each in group if each.mention.pronoun}
    if pronouns:
        return _family(word) in {_family(each) for each in pronouns}
    many = doc[first.head].tag_ in ("NNS", "NNPS") or _joined(doc, first)
    person = first.type == "PERSON"
    if word in _MANY:
        return many or (first.named and first.type == "ORGANIZATION")
    if many:
        return False
    if word in _THING:
        return not person
    return person or not (first.named or doc[first.head].pos_ == "PROPN")


def _joined(doc: Any, mention: Mention) -> bool:
    return any(child.dep_ == "conj" for child in doc[mention.head].children)


def _family(word: str) -> str:
    for name, words in (("she", _FEMALE), ("he", _ONE), ("it", _THING), ("they", _MANY)):
        if word in words:
            return name
    return ""


def named_best(doc: Any, group: Sequence[Member]) -> list[int]:
    """Which members name the group best: names before nouns before pronouns, longer ones first."""

    def worth(member: Member) -> tuple[bool, bool, int]:
        mention = member.mention
        return mention.named, not mention.pronoun, mention.end - mention.start

    best = max(worth(each) for each in group)
    return [at for at, each in enumerate(group) if worth(each) == best][:1]
