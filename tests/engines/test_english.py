from pathlib import Path

import pytest

from torana.engines import capability, entities, key_phrases, syntax
from torana.engines.pool import EnginePool, PoolSettings

ENTITIES = entities.load()
PHRASES = key_phrases.load()
SYNTAX = syntax.load()

BOB = "Bob Smith moved to Seattle in May 2019 and works for Microsoft."
HOSTILE = ["", "   ", "\x00\x07", "\U0001f600\U0001f680", "a \ud800 lone surrogate", "word " * 1000]


def test_entities_are_named_as_amazon_does() -> None:
    (found,) = ENTITIES.run([BOB])
    assert [(each.type, each.text) for each in found] == [
        ("PERSON", "Bob Smith"),
        ("LOCATION", "Seattle"),
        ("DATE", "May 2019"),
        ("ORGANIZATION", "Microsoft"),
    ]


def test_offsets_count_code_points() -> None:
    text = "\U0001f600 Anna met Tim Cook in Paris."
    (found,) = ENTITIES.run([text])
    assert [text[each.begin : each.end] for each in found] == [each.text for each in found]
    assert "Paris" in [each.text for each in found]


def test_a_doubtful_entity_scores_lower_than_a_plain_one() -> None:
    (found,) = ENTITIES.run(
        [f"{BOB} The quick brown fox jumps over the lazy dog near Mount Rainier."]
    )
    scores = {each.text: each.score for each in found}
    assert scores["Seattle"] > 0.9 > min(scores.values())


def test_every_label_of_the_model_has_a_type() -> None:
    from torana.engines import english

    labels = english.pipeline("entities").get_pipe("ner").labels
    assert set(labels) == set(entities.TYPES)


def test_key_phrases_are_noun_phrases_without_pronouns() -> None:
    (found,) = PHRASES.run(["She put the very old book on a wooden table."])
    assert [each.text for each in found] == ["the very old book", "a wooden table"]
    assert all(0 < each.score <= 1 for each in found)


def test_every_word_has_a_part_of_speech() -> None:
    (tokens,) = SYNTAX.run(["It is raining today in Seattle."])
    assert [(token.text, token.tag) for token in tokens] == [
        ("It", "PRON"),
        ("is", "AUX"),
        ("raining", "VERB"),
        ("today", "NOUN"),
        ("in", "ADP"),
        ("Seattle", "PROPN"),
        (".", "PUNCT"),
    ]
    assert all(0 < token.score <= 1 for token in tokens)


@pytest.mark.parametrize("text", HOSTILE)
def test_odd_texts_are_survived(text: str) -> None:
    for engine in (ENTITIES, PHRASES, SYNTAX):
        (found,) = engine.run([text])
        assert all(0 <= each.begin < each.end <= len(text) for each in found)


def test_they_share_a_host() -> None:
    assert {capability(n).host_name for n in ("entities", "key_phrases", "syntax")} == {"english"}


async def test_they_answer_from_their_host(tmp_path: Path) -> None:
    pool = EnginePool(tmp_path, PoolSettings())
    await pool.start()
    client = pool.client()
    try:
        (found,) = await client.run(entities.ENGINE, [BOB], 30)
        (tokens,) = await client.run(syntax.ENGINE, ["Hello there"], 30)
        assert [each.text for each in found][:2] == ["Bob Smith", "Seattle"]
        assert [each.text for each in tokens] == ["Hello", "there"]
        assert pool.starts()["english.0"] == 1
    finally:
        await client.aclose()
        await pool.aclose()
