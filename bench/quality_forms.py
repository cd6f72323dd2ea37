"""How well guardrails find personal data and secrets by their form, and mend almost JSON.

    python -m bench.quality_forms

Personal data: sentences to a bank's service of `presidio-evaluator` (Microsoft, MIT), filled with
addresses and telephone numbers of the fictitious people that come along, and with numbers made
here. Secrets: made here in the forms that vendors describe, so that none is ever kept in a file.
Harmless texts: questions and facts of a chat bot, and the source code of Python's own library.
"""

import base64
import csv
import io
import json
import random
import re
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from string import ascii_letters, ascii_uppercase, digits, hexdigits
from typing import Any, NamedTuple
from uuid import UUID

from bench import corpora
from bench.quality import heading, table
from torana.llm.detectors import PERSONAL, SECRETS, Detector, by_form
from torana.llm.output import value_of

_PACKAGE = "presidio-evaluator==0.3.2"
_RAW = "presidio_evaluator/data_generator/raw_data"
_TIMES = 12
"""How often each sentence is filled."""
_dice = random.Random(11)


class Marked(NamedTuple):
    """A text, and where what is in it."""

    text: str
    spans: list[tuple[int, int, str]]


def _drawn(alphabet: str, number: int) -> str:
    return "".join(_dice.choices(alphabet, k=number))


def _card() -> str:
    begin, length = _dice.choice([("4", 16), ("5" + _drawn("12345", 1), 16), ("37", 15)])
    plain = begin + _drawn(digits, length - len(begin) - 1)
    total = 0
    for place, digit in enumerate(reversed(plain)):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled - 9 if doubled > 9 else doubled
    plain += str(-total % 10)
    gap = _dice.choice(["", " ", "-"])
    cuts = (4, 10) if length == 15 else (4, 8, 12)
    pieces = [plain[a:b] for a, b in zip((0, *cuts), (*cuts, length), strict=True)]
    return gap.join(pieces)


def _iban() -> str:
    country, form = _dice.choice([("DE", 18), ("ES", 20), ("NL", 0), ("GB", 0), ("AT", 16)])
    inner = _drawn(digits, form)
    if country == "NL":
        inner = "ABNA" + _drawn(digits, 10)
    elif country == "GB":
        inner = "NWBK" + _drawn(digits, 14)
    number = "".join(str(int(each, 36)) for each in f"{inner}{country}00")
    whole = f"{country}{98 - int(number) % 97:02}{inner}"
    if _dice.random() < 0.5:
        return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))
    return whole


def _ssn() -> str:
    area = _dice.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03}-{_dice.randint(1, 99):02}-{_dice.randint(1, 9999):04}"


def _people() -> list[dict[str, str]]:
    raw = corpora.member(_PACKAGE, f"{_RAW}/FakeNameGenerator.com_3000.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(raw)))


def _phone(person: dict[str, str]) -> str:
    plain = person["TelephoneNumber"]
    if _dice.random() < 0.5:
        return plain
    return f"+{person['TelephoneCountryCode']} {plain.lstrip('0')}"


Fill = Callable[[dict[str, str]], str]
_KINDS: dict[str, tuple[str, Fill]] = {
    "credit_card_number": ("CREDIT_DEBIT_NUMBER", lambda person: _card()),
    "email": ("EMAIL", lambda person: person["EmailAddress"]),
    "iban": ("INTERNATIONAL_BANK_ACCOUNT_NUMBER", lambda person: _iban()),
    "ip_address": ("IP_ADDRESS", lambda p: ".".join(str(_dice.randint(1, 254)) for _ in range(4))),
    "phone_number": ("PHONE", _phone),
    "ssn": ("SSN", lambda person: _ssn()),
}
_OTHERS: dict[str, Fill] = {
    "organization": lambda person: person["Company"],
    "address": lambda p: f"{p['StreetAddress']}, {p['ZipCode']} {p['City']}",
    "secondary_address": lambda person: f"Apt. {_dice.randint(1, 900)}",
    "street_name": lambda person: person["StreetAddress"],
    "city": lambda person: person["City"],
    "country": lambda person: person["CountryFull"],
    "age": lambda person: person["Age"],
    "year": lambda person: str(_dice.randint(1950, 2030)),
    "postcode": lambda person: person["ZipCode"],
    "zipcode": lambda person: person["ZipCode"],
    "building_number": lambda person: str(_dice.randint(1, 9999)),
    "url": lambda person: f"https://www.{person['Domain']}/",
    "date_time": lambda p: f"2026-{_dice.randint(1, 12):02}-{_dice.randint(1, 28):02} 10:30:00",
    "date_of_birth": lambda person: person["Birthday"],
    "us_driver_license": lambda person: _drawn(ascii_uppercase, 1) + _drawn(digits, 7),
    "job": lambda person: person["Occupation"],
    "last_name": lambda person: person["Surname"],
    "state_abbr": lambda person: person["State"],
}


def _filled(template: str, person: dict[str, str]) -> Marked:
    text, spans, at = "", list[tuple[int, int, str]](), 0
    for found in re.finditer(r"\{\{(\w+)\}\}", template):
        text += template[at : found.start()]
        kind, fill = _KINDS.get(found[1], ("", _OTHERS.get(found[1])))
        value = fill(person) if fill is not None else f"{person['GivenName']} {person['Surname']}"
        if kind:
            spans.append((len(text), len(text) + len(value), kind))
        text, at = text + value, found.end()
    return Marked(text + template[at:], spans)


def personal() -> list[Marked]:
    """Sentences with and without personal data."""
    people = _people()
    raw = corpora.member(_PACKAGE, f"{_RAW}/templates.txt").decode("utf-8", "replace")
    templates = [line.replace("\\n", "\n").strip() for line in raw.splitlines() if line.strip()]
    return [_filled(each, _dice.choice(people)) for each in templates for _ in range(_TIMES)]


def _token() -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": _drawn(digits, 8), "iat": 1760000000}]
    coded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in parts]
    return f"{coded[0].decode()}.{coded[1].decode()}.{_drawn(_URL, 43)}"


def _private_key() -> str:
    kind = _dice.choice(["RSA ", "EC ", "", "OPENSSH "])
    lines = "\n".join(_drawn(_BASE64, 64) for _ in range(8))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


_URL, _BASE64 = ascii_letters + digits + "-_", ascii_letters + digits + "+/"
_ALNUM = ascii_letters + digits
_HIDDEN: dict[str, Callable[[], str]] = {
    "AWS_ACCESS_KEY": lambda: (
        _dice.choice(["AKIA", "ASIA"]) + _drawn(ascii_uppercase + "234567", 16)
    ),
    "GITHUB_TOKEN": lambda: _dice.choice(
        [f"gh{_drawn('pousr', 1)}_{_drawn(_ALNUM, 36)}", f"github_pat_{_drawn(_ALNUM + '_', 82)}"]
    ),
    "GOOGLE_API_KEY": lambda: "AIza" + _drawn(_URL, 35),
    "JSON_WEB_TOKEN": _token,
    "LLM_API_KEY": lambda: _dice.choice(["sk-proj-", "sk-ant-", "sk-"]) + _drawn(_URL, 48),
    "PRIVATE_KEY": _private_key,
    "SLACK_TOKEN": lambda: f"xox{_drawn('bp', 1)}-{_drawn(digits, 12)}-{_drawn(_ALNUM, 24)}",
    "STRIPE_KEY": lambda: _dice.choice(["sk", "rk"]) + "_live_" + _drawn(_ALNUM, 24),
}
_PLACES = (
    "{}",
    "Why does my key {} not work?",
    "export API_KEY={}",
    'client = Client(token="{}")',
    '{{"credentials": "{}", "region": "eu-west-1"}}',
    "2026-11-27 10:12:00 DEBUG sending Authorization: Bearer {}",
    "curl -u {}: https://api.example.com/v1/charges",
    "My colleague posted `{}` in the channel, is that bad?",
)
_ALIKE: tuple[Callable[[], str], ...] = (
    lambda: _drawn(hexdigits.lower()[:16], 40),
    lambda: str(UUID(int=_dice.getrandbits(128))),
    lambda: "sha512-" + _drawn(_BASE64, 86) + "==",
    lambda: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + _drawn(_BASE64, 43),
    lambda: "-----BEGIN CERTIFICATE-----\n" + _drawn(_BASE64, 64) + "\n-----END CERTIFICATE-----",
    lambda: "-----BEGIN PUBLIC KEY-----\n" + _drawn(_BASE64, 64) + "\n-----END PUBLIC KEY-----",
    lambda: "data:image/png;base64,iVBORw0KGgo" + _drawn(_BASE64, 120),
    lambda: "pk_live_" + _drawn(_ALNUM, 24),
    lambda: "sk_test_" + _drawn(_ALNUM, 24),
    lambda: "ghp_your_token_here",
    lambda: "sk-learn-contrib",
    lambda: "AKIA-something",
    lambda: "arn:aws:iam::" + _drawn(digits, 12) + ":role/" + _drawn(_ALNUM, 20),
    lambda: "xoxo-love-and-kisses",
)


def secrets() -> list[Marked]:
    """Places with a secret in them, and the same places with what only looks like one."""
    found: list[Marked] = []
    for kind, make in _HIDDEN.items():
        for place in _PLACES * 5:
            value = make()
            begin = place.format("\0").index("\0")
            found.append(Marked(place.format(value), [(begin, begin + len(value), kind)]))
    found += [Marked(place.format(make()), []) for make in _ALIKE for place in _PLACES * 3]
    return found


def _library() -> list[Marked]:
    """Every file of Python's library, in pieces of 2,000 characters."""
    folder = Path(sysconfig.get_path("stdlib"))
    texts = (path.read_text("utf-8", "replace") for path in sorted(folder.glob("*.py")))
    return [Marked(text[at : at + 2000], []) for text in texts for at in range(0, len(text), 2000)]


def _measure(detect: Detector, texts: list[Marked]) -> Iterator[tuple[str, int, int, int]]:
    """By kind: how many there are, how many of them are masked whole, how many others."""
    there, whole, others = Counter[str](), Counter[str](), Counter[str]()
    for text, spans in texts:
        found = list(detect(text))
        for begin, end, kind in spans:
            there[kind] += 1
            whole[kind] += any(s.kind == kind and s.start <= begin and s.end >= end for s in found)
        for span in found:
            true = any(span.start < end and span.end > begin for begin, end, _ in spans)
            others[span.kind] += not true
    for kind in sorted(there | others):
        yield kind, there[kind], whole[kind], others[kind]


def _report(forms: Any, texts: list[Marked]) -> None:
    rows = [
        (
            kind,
            f"{whole} of {there}",
            others,
            f"{whole / (whole + others):.3f}" if whole + others else "",
            f"{whole / there:.3f}" if there else "",
        )
        for kind, there, whole, others in _measure(by_form(forms), texts)
    ]
    table(("kind", "masked whole", "others taken for it", "precision", "recall"), rows)


def _talk() -> list[Marked]:
    return [Marked(each.text, []) for each in corpora.plain_talk()]


_VALUES: tuple[Any, ...] = (
    {"mood": "good", "score": 0.5},
    {"items": [{"id": 1, "name": 'a "quoted" word'}, {"id": 2, "name": "b, c"}], "next": None},
    ["one", "two", {"three": [4, 5]}],
    {"text": "It's 5 o'clock; see http://example.com/?a=b&c=d", "ok": True},
    {"nested": {"deep": {"list": [[1, 2], [3, 4]], "empty": {}}}},
    {"unicode": "Grüße, 世界", "number": -1.5e3},
)
_SPOILT: dict[str, Callable[[str], str]] = {
    "in a fence": lambda text: f"```json\n{text}\n```",
    "after words": lambda text: f"Here is the JSON you asked for:\n{text}",
    "in a fence, between words": lambda text: f"Sure!\n```json\n{text}\n```\nAnything else?",
    "a comma too many": lambda text: re.sub(r"([}\]])$", r",\1", text),
    "the end cut off": lambda text: text.rstrip("}]"),
    "names without quotes": lambda text: re.sub(r'"(\w+)":', r"\1:", text),
    "quoted as Python does": lambda text: repr(json.loads(text)),
}


def mended() -> None:
    """Almost JSON, as models write it, that is read as what was meant."""
    rows: list[tuple[str, str]] = []
    for name, spoil in _SPOILT.items():
        good = sum(value_of(spoil(json.dumps(each))) == each for each in _VALUES)
        rows.append((name, f"{good} of {len(_VALUES)}"))
    table(("almost JSON", "read as meant"), rows)


def main() -> None:
    """Everything."""
    heading("Personal data, by form")
    _report(PERSONAL, personal())
    print("In the questions and facts of a chat bot, where there is none:\n")
    _report(PERSONAL, _talk())
    print("In the source code of Python's library, whose authors' addresses are real:\n")
    _report(PERSONAL, _library())
    heading("Secrets, by form")
    _report(SECRETS, secrets())
    print("In the source code of Python's library, where there is none:\n")
    _report(SECRETS, _library())
    heading("Almost JSON")
    mended()


if __name__ == "__main__":
    main()
