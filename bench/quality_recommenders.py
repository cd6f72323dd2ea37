"""How well recommenders find what users with known tastes took next, and how long they take.

No package carries a data set of people's choices, so they are made: each of 2000 users has a taste
over twelve themes, each of 800 items belongs to a few of them and is more or less popular, and a
user takes 60 items by both. What is found is compared with popularity alone, and with the best that
can be done: ranking by the probabilities that the choices were drawn from.
"""

import tempfile
import time
from math import log2
from pathlib import Path
from typing import Any

import numpy as np

from torana.engines import recommender_training as training
from torana.engines.client import EngineClient
from torana.model.recommendation import PERSONAL, POPULAR, SIMILAR, Study, Wish
from torana.state.interactions import Interaction, InteractionFile

_USERS, _ITEMS, _THEMES, _EACH = 2000, 800, 12, 60


def _chances(rng: np.random.Generator) -> Any:
    tastes = rng.dirichlet(np.full(_THEMES, 0.15), _USERS)
    themes = rng.dirichlet(np.full(_THEMES, 0.1), _ITEMS)
    popular = rng.pareto(1.2, _ITEMS) + 0.1
    chances = (tastes @ themes.T) ** 1.5 * popular
    return chances / chances.sum(axis=1, keepdims=True)


def _write(path: Path, chances: Any, rng: np.random.Generator) -> None:
    def rows() -> Any:
        for user in range(_USERS):
            taken = rng.choice(_ITEMS, _EACH, replace=False, p=chances[user])
            for at, item in enumerate(taken):
                yield Interaction(f"{user}-{at}", f"u{user}", f"i{item}", "Watch", float(at))

    InteractionFile(path).put_interactions(rows(), "made")


def _best(path: Path, chances: Any) -> float:
    """nDCG at 10 of ranking by the true chances, on the same split."""
    learned, held = training._split(list(InteractionFile(path).interactions()))
    had: dict[str, set[str]] = {}
    for user, item, _ in learned:
        had.setdefault(user, set()).add(item)
    found = []
    for user, wanted in held.items():
        order = [f"i{at}" for at in np.argsort(-chances[int(user[1:])])]
        ranked = [item for item in order if item not in had[user]][:10]
        gain = sum(1 / log2(at + 2) for at, item in enumerate(ranked) if item in wanted)
        found.append(gain / sum(1 / log2(at + 2) for at in range(min(10, len(wanted)))))
    return float(np.mean(found))


async def measure(client: EngineClient, run: Any, table: Any) -> None:
    """Prints the numbers."""
    rng = np.random.default_rng(3)
    chances = _chances(rng)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.db"
        _write(data, chances, rng)
        lines: list[tuple[object, ...]] = []
        for method in (PERSONAL, SIMILAR, POPULAR):
            started = time.perf_counter()
            study = Study(str(data), f"{folder}/{method}.npz", method)
            (found,) = await client.run("recommender_training", [study], 3600)
            took = time.perf_counter() - started
            told = found.metrics
            lines.append(
                (
                    method,
                    f"{told['normalized_discounted_cumulative_gain_at_10']:.3f}",
                    f"{told['precision_at_10']:.3f}",
                    f"{told['mean_reciprocal_rank_at_25']:.3f}",
                    f"{told['coverage']:.2f}",
                    f"{took:.1f} s",
                )
            )
        lines.append(("the true chances", f"{_best(data, chances):.3f}", "", "", "", ""))
        table(("ranked by", "nDCG at 10", "precision at 10", "MRR", "coverage", "training"), lines)
        wishes = [
            Wish(f"{folder}/{PERSONAL}.npz", str(data), 25, f"u{user}") for user in range(200)
        ]
        await run(wishes)
