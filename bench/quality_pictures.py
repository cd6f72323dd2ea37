"""How good the engines for pictures, videos and live speech are, on what packages carry."""
# PyAV's types are partly unknown.
# pyright: basic

import io
import random
import re
import tempfile
import wave
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from bench import corpora
from torana.engines.live_transcription import Clip
from torana.engines.video_labels import Video
from torana.model.picture import Example, Pupil, Sight
from torana.services.rekognition.moderation import moderation

Run = Callable[[list[Any]], Coroutine[Any, Any, list[Any]]]
Table = Callable[[Sequence[str], Sequence[Sequence[object]]], None]

PHOTOGRAPHS = {
    "chelsea.png": ("tabby", "Egyptian cat", "tiger cat"),
    "coffee.png": ("espresso", "cup"),
    "camera.png": ("tripod",),
    "rocket.jpg": ("missile", "projectile"),
    "motorcycle_left.png": ("motor scooter", "moped", "disc brake"),
}
"""Of scikit-image, and what ImageNet calls what they show."""
_SKIMAGE = "scikit-image==0.25.2"
_WORDS = re.findall(r"[A-Za-z]{3,9}", Path("LICENSE").read_text())
_LEARNED, _ASKED = 20, 40
"""Pictures of each digit."""


_HARMLESS = {
    _SKIMAGE: r"skimage/data/\w+\.(jpg|png)",
    "scikit-learn==1.7.2": r"sklearn/datasets/images/\w+\.jpg",
    "face_recognition==1.3.0": r"face_recognition-1.3.0/tests/test_images/\w+\.(jpg|png)",
    "matplotlib==3.10.0": r"matplotlib/mpl-data/(images|sample_data)/\w+\.(jpg|png)",
}
"""Packages and what the names of their photographs, scans and icons look like."""
_LEAST = (50, 20, 5)


def photograph(name: str) -> bytes:
    return corpora.member(_SKIMAGE, f"skimage/data/{name}")


async def labels(run: Run, table: Table) -> None:
    """What photographs show, by name."""
    rows = list[Sequence[object]]()
    for name, wanted in PHOTOGRAPHS.items():
        (seen,) = await run([photograph(name)])
        single = [each for each in seen.labels if each.name.lower() in _lower(wanted)]
        best = max(seen.labels, key=lambda each: each.score)
        found = f"{single[0].name} {single[0].score:.2f}" if single else "no"
        rows.append((name, found, f"{best.name} {best.score:.2f}"))
    table(("photograph", "right name", "surest label"), rows)


def _lower(names: Sequence[str]) -> set[str]:
    return {name.lower() for name in names}


async def harmless(run: Run, table: Table) -> None:
    """How often pictures that are fit for everybody are said not to be; others are not at hand."""
    counts, pictures = Counter[tuple[str, int]](), 0
    for source, inside in _HARMLESS.items():
        for data in corpora.files(source, inside):
            (seen,) = await run([data])
            pictures += 1
            labels, types = moderation(seen.labels, 0)
            for each in (*labels, *types):
                for least in _LEAST:
                    counts[each["Name"], least] += each["Confidence"] >= least
    names = sorted({name for name, _ in counts})
    rows = [(name, *(counts[name, least] for least in _LEAST)) for name in names]
    table((f"of {pictures} pictures", *(f"from {least} %" for least in _LEAST)), rows)


async def custom(run: Run, client: Any, table: Table) -> None:
    """Ten handwritten digits (scikit-learn's, 8 by 8 points), learned from a few of each."""
    from PIL import Image
    from sklearn.datasets import load_digits  # pyright: ignore[reportMissingTypeStubs]

    found: Any = load_digits()
    by_digit = [[i for i, each in enumerate(found.target) if each == digit] for digit in range(10)]

    def picture(index: int) -> bytes:
        out = io.BytesIO()
        points = Image.fromarray((found.images[index] * 15.9).astype("uint8")).convert("RGB")
        points.resize((128, 128), Image.Resampling.BICUBIC).save(out, "PNG")
        return out.getvalue()

    rows = list[Sequence[object]]()
    with tempfile.TemporaryDirectory() as folder:
        for learned in (5, _LEARNED):
            examples = list[Example]()
            for digit, places in enumerate(by_digit):
                for place in places[:learned]:
                    path = Path(folder) / f"{place}.png"
                    path.write_bytes(picture(place))
                    examples.append(Example(str(path), (str(digit),)))
            model = str(Path(folder) / f"{learned}.model")
            pupil = Pupil(examples, examples[:1], model)
            await client.run("image_training", [pupil], 120)
            right = asked = 0
            for digit, places in enumerate(by_digit):
                for place in places[_LEARNED : _LEARNED + _ASKED]:
                    (seen,) = await run([Sight(model, picture(place))])
                    right += seen.labels[0].name == str(digit)
                    asked += 1
            rows.append((learned, asked, f"{right / asked:.1%}"))
    table(("pictures of each digit learned", "others asked", "surest label right"), rows)


async def video(run: Run, table: Table) -> None:
    """Photographs shown for two seconds each: whether the film's labels are the photographs'."""
    import av
    from PIL import Image

    names = list(PHOTOGRAPHS)
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        with av.open(file.name, "w") as film:
            stream = film.add_stream("mpeg4", rate=10)
            stream.width, stream.height = 480, 320
            for name in names:
                pixels = Image.open(io.BytesIO(photograph(name))).convert("RGB").resize((480, 320))
                for _ in range(20):
                    film.mux(stream.encode(av.VideoFrame.from_image(pixels)))
            film.mux(stream.encode())
        (seen,) = await run([Video(file.name, 0.05)])
    right = 0
    for frame in seen.frames:
        wanted = PHOTOGRAPHS[names[min(int(frame.milliseconds / 2000), len(names) - 1)]]
        right += bool(_lower(wanted) & {each.name.lower() for each in frame.labels})
    table(("seconds", "frames", "with the right name"), [(10, len(seen.frames), right)])


async def text(run: Run, table: Table) -> None:
    """Words in two typefaces, set at several sizes on a page of ours."""
    from PIL import Image, ImageDraw, ImageFont

    chance = random.Random(4)
    rows = list[Sequence[object]]()
    for size in (12, 18, 28):
        right = asked = 0
        for _ in range(6):
            lines = [" ".join(chance.choices(_WORDS, k=5)) for _ in range(5)]
            page = Image.new("RGB", (size * 40, size * 14), "white")
            pen, font = ImageDraw.Draw(page), ImageFont.load_default(size)
            for at, line in enumerate(lines):
                pen.text((size, size * (1 + 2.4 * at)), line, "black", font)
            out = io.BytesIO()
            page.save(out, "PNG")
            (seen,) = await run([out.getvalue()])
            read = [word.lower() for line in seen.lines for word in line.text.split()]
            for word in " ".join(lines).lower().split():
                asked += 1
                if word in read:
                    read.remove(word)
                    right += 1
        rows.append((f"{size} px", asked, f"{right / asked:.1%}"))
    table(("letters", "words", "read"), rows)


async def live(run: Run, table: Table, word_errors: Callable[[str, str], tuple[int, int]]) -> None:
    """Sentences for LibriVox, as they are said: half a second more at a time."""
    source, folder = "pocketsphinx==5.1.1", "test/data/librivox"
    lines = corpora.member(source, f"{folder}/transcription", source=True).decode().splitlines()
    wrong = there = changed = shown = 0
    for line in lines:
        match = re.fullmatch(r"(.*)\((\S+)\)\s*", line)
        assert match is not None
        wanted = re.sub(r"</?s>|\(\d+\)", " ", match[1])
        sound = corpora.member(source, f"{folder}/{match[2]}.wav", source=True)
        with wave.open(io.BytesIO(sound)) as file:
            hertz, samples = file.getframerate(), file.readframes(file.getnframes())
        before, said = list[str](), list[str]()
        for end in range(hertz, len(samples) + hertz, hertz):
            (heard,) = await run([Clip(samples[:end], hertz)])
            said = [word.text.strip() for word in heard.words]
            # The last word may be cut off; what was said before it should stay.
            changed += sum(a != b for a, b in zip(before[:-1], said, strict=False))
            shown += len(before[:-1])
            before = said
        errors, words = word_errors(" ".join(said), wanted)
        wrong, there = wrong + errors, there + words
    rows = [(len(lines), f"{wrong / there:.1%}", f"{changed / max(shown, 1):.1%}")]
    table(("sentences", "word errors at the end", "words shown before and changed after"), rows)
