# ruff: noqa: RUF001
import pytest

from torana.engines.language import ENGINE, LANGUAGES, Language, load

ENGINE_UNDER_TEST = load()


def first(text: str) -> str:
    (guesses,) = ENGINE_UNDER_TEST.run([text])
    return guesses[0].code


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "The weather was lovely, so we walked to the harbour."),
        ("de", "Wir sind gestern bei schönem Wetter zum Hafen gelaufen."),
        ("fr", "Nous sommes allés au port à pied, car il faisait beau."),
        ("es", "Ayer fuimos andando al puerto porque hacía buen tiempo."),
        ("pt", "Ontem fomos a pé até ao porto porque estava bom tempo."),
        ("it", "Ieri siamo andati al porto a piedi perché c'era il sole."),
        ("nl", "Gisteren liepen we naar de haven omdat het mooi weer was."),
        ("sv", "Igår gick vi till hamnen eftersom vädret var fint."),
        ("pl", "Wczoraj poszliśmy do portu, bo była ładna pogoda."),
        ("tr", "Dün hava güzel olduğu için limana kadar yürüdük."),
        ("fi", "Eilen kävelimme satamaan, koska sää oli kaunis."),
        ("ru", "Вчера мы пошли в порт пешком, потому что была хорошая погода."),
        ("uk", "Учора ми пішли до порту пішки, бо була гарна погода."),
        ("el", "Χθες περπατήσαμε ως το λιμάνι γιατί ο καιρός ήταν καλός."),
        ("he", "אתמול הלכנו ברגל לנמל כי מזג האוויר היה יפה."),
        ("ar", "ذهبنا أمس إلى الميناء سيرًا لأن الطقس كان جميلًا."),
        ("hi", "कल मौसम अच्छा था इसलिए हम बंदरगाह तक पैदल गए।"),
        ("ja", "昨日は天気が良かったので港まで歩きました。"),
        ("ko", "어제는 날씨가 좋아서 항구까지 걸어갔습니다."),
        ("zh", "昨天天气很好,所以我们走路去港口。"),
        ("zh-TW", "昨天天氣很好,所以我們走路去港口。"),
        ("vi", "Hôm qua trời đẹp nên chúng tôi đi bộ ra cảng."),
        ("th", "เมื่อวานอากาศดี เราจึงเดินไปที่ท่าเรือ"),
    ],
)
def test_names_the_language(code: str, text: str) -> None:
    assert first(text) == code


def test_scores_are_sorted_probabilities() -> None:
    (guesses,) = ENGINE_UNDER_TEST.run(["Das ist gut. This is good."])
    scores = [guess.score for guess in guesses]
    assert {"en", "de"} <= {guess.code for guess in guesses}
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1.0001


def test_a_longer_text_is_surer() -> None:
    short, long = ENGINE_UNDER_TEST.run(["Guten Tag", "Guten Tag, wie geht es Ihnen heute?"])
    assert short[0].score < long[0].score


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01\x02", "\U0001f600\U0001f680"])
def test_where_nothing_is_recognised_nothing_is_said(text: str) -> None:
    assert ENGINE_UNDER_TEST.run([text]) == [[]]


def test_emoji_and_control_characters_do_not_mislead() -> None:
    assert first("\U0001f600 Das Wetter war gestern wirklich schön \x07\U0001f680\u200d") == "de"


def test_long_texts_are_read_whole() -> None:
    text = "Wir sind gestern bei schönem Wetter zum Hafen gelaufen. " * 90
    assert len(text.encode()) > 5000
    assert first(text) == "de"


def test_a_lone_surrogate_is_survived() -> None:
    assert first("Das Wetter war gestern \ud800 wirklich schön") == "de"


def test_only_listed_languages_come_out() -> None:
    texts = ["Sawubona, unjani namhlanje?", "Xin chào", "Bonjour à tous", "12345 67890"]
    guesses = [guess for found in ENGINE_UNDER_TEST.run(texts) for guess in found]
    assert {guess.code for guess in guesses} <= LANGUAGES


def test_the_row_says_what_goes_in_and_out() -> None:
    assert ENGINE.input is str
    assert ENGINE.output == list[Language]
