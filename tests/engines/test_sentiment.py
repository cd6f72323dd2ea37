import pytest

from torana.engines.sentiment import LANGUAGES, Sentiment, Text, load, reading

JUDGE = load()


def verdict(text: str, language: str = "en") -> str:
    (found,) = JUDGE.run([Text(text, language)])
    scores = {name: getattr(found, name) for name in Sentiment.__struct_fields__}
    return max(scores, key=lambda name: scores[name])


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("positive", "I love this phone, it is the best I ever had."),
        ("positive", "Not bad at all, I would buy it again."),
        ("negative", "This is terrible, I want my money back."),
        ("negative", "The food was cold and the waiter was rude."),
        ("neutral", "My order arrived on Monday."),
        ("neutral", "The train to Boston leaves from platform two."),
        ("mixed", "The camera is wonderful, but the battery is awful."),
        ("mixed", "Great food, terrible service."),
        ("positive", "Me encanta este teléfono."),
        ("neutral", "La réunion commence à 15 heures dans la salle 4."),
    ],
)
def test_judges(wanted: str, text: str) -> None:
    assert verdict(text) == wanted


def test_probabilities_add_up() -> None:
    texts = ["I love it.", "I love it, but I hate the price.", "", "one. two. three."]
    for found in JUDGE.run([Text(text) for text in texts]):
        scores = [found.positive, found.negative, found.neutral, found.mixed]
        assert sum(scores) == pytest.approx(1)
        assert min(scores) >= 0


def test_one_clause_alone_is_never_mixed() -> None:
    (found,) = JUDGE.run([Text("The battery is awful")])
    assert found.mixed == 0


def test_a_text_is_judged_alike_alone_and_in_a_batch() -> None:
    texts = [Text("Great food, terrible service."), Text("The shop opens at nine.")]
    together = JUDGE.run(texts)
    alone = [JUDGE.run([text])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one.mixed == pytest.approx(other.mixed, abs=1e-4)
        assert one.neutral == pytest.approx(other.neutral, abs=1e-4)


@pytest.mark.parametrize(
    ("wanted", "language", "text"),
    [
        ("positive", "de", "Das Personal war unglaublich freundlich."),
        ("negative", "fr", "Le pire hôtel où j'ai jamais séjourné."),
        ("positive", "ja", "この電話が大好きです。"),
        ("negative", "zh", "这是我住过的最差的酒店。"),
        ("mixed", "es", "Comida excelente, servicio pésimo."),
        ("mixed", "de", "Das Zimmer war schön, aber der Lärm war unerträglich."),
    ],
)
def test_judges_other_languages_by_their_shift(wanted: str, language: str, text: str) -> None:
    assert verdict(text, language) == wanted


def test_a_long_text_costs_no_more_than_a_bounded_number_of_clauses() -> None:
    text = "The room was fine, but nobody cleaned it. " * 119
    assert len(reading(text).pieces) == 12
    assert all(len(piece) <= 200 for piece in reading("endless " * 625).pieces)


def test_a_long_text_is_judged_by_its_clauses() -> None:
    assert verdict("The food was awful and the staff were rude. " * 40) == "negative"


@pytest.mark.parametrize("text", ["", "  \n", "\t"])
def test_nothing_is_neutral(text: str) -> None:
    assert JUDGE.run([Text(text)]) == [Sentiment(0, 0, 1, 0)]


@pytest.mark.parametrize(
    "text",
    [
        "\x00\x01\x1b[31m",
        "\U0001f600\U0001f680\u200d\u2764\ufe0f",
        "a \ud800 lone surrogate",
        "!" * 5000,
        "The food was good. " * 263,
        "x," * 2500,
    ],
)
def test_odd_texts_are_survived(text: str) -> None:
    (found,) = JUDGE.run([Text(text)])
    assert 0.99 < found.positive + found.negative + found.neutral + found.mixed < 1.01


def test_names_and_addresses_say_nothing() -> None:
    plain, decorated = JUDGE.run(
        [Text("@user love it "), Text("@hatecorp love it http://t.co/bad")]
    )
    assert plain.positive == pytest.approx(decorated.positive, abs=1e-4)


def test_its_languages_are_those_of_the_service() -> None:
    assert len(LANGUAGES) == 12
