"""Training of recommenders, and how good they are on what was held back.

One in ten users is tested (at most 500): their last tenth of interactions is left out of a first
training and then asked for; the model that is kept is trained on everything.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from math import log2
from pathlib import Path
from typing import Any

from torana.engines.engine import Capability, Engine
from torana.engines.recommender_model import Model, confidence, need, penalty
from torana.model.recommendation import PERSONAL, SIMILAR, TRENDING, Studied, Study
from torana.state.interactions import InteractionFile

_ROUNDS = 15
_NEIGHBOURS = 100
_TESTED = 0.1
_MOST_TESTED = 500
_AT = (5, 10, 25)
_RECENT = 0.1
"""The share of the time, at its end, that trends are seen in."""

Rows = Sequence[tuple[str, str, float]]
"""User, item and time, by user and time."""


class _Trainer:
    def __init__(self) -> None:
        need("implicit.als")

    def run(self, batch: Sequence[Study], /) -> list[Studied]:
        return [self._study(each) for each in batch]

    def _study(self, study: Study) -> Studied:
        file = InteractionFile(Path(study.data))
        rows = list(file.interactions(study.event_type, study.threshold))
        users, items = {row[0] for row in rows}, {row[1] for row in rows}
        if len(users) < 2 or len(items) < 2:
            return Studied(bad="There must be interactions of two users and two items at least")
        learned, held = _split(rows)
        metrics = _measured(fit(study, learned), learned, held) if held else {}
        fit(study, rows).save(Path(study.path))
        return Studied(metrics, len(users), len(items), len(rows))


def _split(rows: Rows) -> tuple[Rows, dict[str, set[str]]]:
    """What is learned from, and what is asked for then, by user."""
    by_user: dict[str, list[tuple[str, str, float]]] = {}
    for row in rows:
        by_user.setdefault(row[0], []).append(row)
    known = [user for user, each in by_user.items() if len({row[1] for row in each}) > 1]
    count = min(max(round(len(known) * _TESTED), min(len(known), 20)), _MOST_TESTED)
    tested = set(random.Random(7).sample(known, count))  # noqa: S311  nothing secret
    learned, held = list[tuple[str, str, float]](), dict[str, set[str]]()
    for user, each in by_user.items():
        kept = len(each) - max(1, len(each) // 10) if user in tested else len(each)
        learned += each[:kept]
        new = {row[1] for row in each[kept:]} - {row[1] for row in each[:kept]}
        if new:
            held[user] = new
    return learned, held


def fit(study: Study, rows: Rows) -> Model:
    """A model of the rows."""
    numpy = need("numpy")
    items = sorted({row[1] for row in rows})
    places = {item: at for at, item in enumerate(items)}
    popular = numpy.zeros(len(items))
    for _, item, _ in rows:
        popular[places[item]] += 1
    if study.method == TRENDING:
        popular = _growth(rows, places)
    arrays: dict[str, Any] = {"popular": popular}
    if study.method == PERSONAL:
        matrix = _matrix(rows, places)
        arrays["vectors"] = _vectors(matrix, study.factors)
        arrays["penalty"] = numpy.float64(penalty(matrix))
    if study.method == SIMILAR:
        arrays.update(_similarities(_matrix(rows, places)))
    return Model(study.method, items, arrays)


def _growth(rows: Rows, places: Mapping[str, int]) -> Any:
    """How many more interactions an item had of late than in the like time before."""
    numpy = need("numpy")
    times = [row[2] for row in rows]
    recent = max(times) - (max(times) - min(times)) * _RECENT
    before = recent - (max(times) - recent)
    found = numpy.zeros(len(places))
    for _, item, time in rows:
        if time >= before:
            found[places[item]] += 1 if time >= recent else -1
    return found


def _matrix(rows: Rows, places: Mapping[str, int]) -> Any:
    """Users by items: how often they met."""
    numpy, sparse = need("numpy"), need("scipy.sparse")
    users = {user: at for at, user in enumerate(dict.fromkeys(row[0] for row in rows))}
    met = Counter((users[user], places[item]) for user, item, _ in rows)
    at = numpy.array(list(met), "int32").T
    values = numpy.array(list(met.values()), "float32")
    return sparse.csr_matrix((values, (at[0], at[1])), (len(users), len(places)), "float32")


def _vectors(matrix: Any, factors: int) -> Any:
    numpy = need("numpy")
    sure = matrix.copy()
    sure.data = confidence(sure.data).astype("float32")
    found = need("implicit.als").AlternatingLeastSquares(
        factors=min(factors, min(matrix.shape)),
        regularization=penalty(matrix),
        iterations=_ROUNDS,
        num_threads=1,
        random_state=7,
    )
    found.fit(sure, show_progress=False)
    return numpy.asarray(found.item_factors, "float32")


def _similarities(matrix: Any) -> dict[str, Any]:
    found = need("implicit.nearest_neighbours").CosineRecommender(K=_NEIGHBOURS, num_threads=1)
    found.fit(matrix, show_progress=False)
    rows = found.similarity.tocsr()
    return {"values": rows.data, "places": rows.indices, "starts": rows.indptr}


def _measured(model: Model, learned: Rows, held: Mapping[str, set[str]]) -> dict[str, float]:
    """By the service's names. Items that a user had before are neither offered nor asked for."""
    numpy = need("numpy")
    histories: dict[str, list[str]] = {}
    for user, item, _ in learned:
        if user in held:
            histories.setdefault(user, []).append(item)
    offered: set[str] = set()
    sums: dict[str, float] = {}
    for user, history in histories.items():
        scores = numpy.array(model.scores(history, history[-1]), "float64")
        scores[[model.places[item] for item in set(history)]] = -numpy.inf
        best: list[str] = [model.items[at] for at in numpy.argsort(-scores)[: _AT[-1]]]
        offered.update(best)
        for name, value in _marks(best, held[user]).items():
            sums[name] = sums.get(name, 0.0) + value
    found = {name: value / len(histories) for name, value in sums.items()}
    return {"coverage": len(offered) / len(model.items), **found}


def _marks(best: Sequence[str], wanted: set[str]) -> dict[str, float]:
    hits = [item in wanted for item in best]
    first = next((at for at, hit in enumerate(hits, 1) if hit), 0)
    found = {"mean_reciprocal_rank_at_25": 1 / first if first else 0.0}
    for most in _AT:
        gain = sum(1 / log2(at + 1) for at, hit in enumerate(hits[:most], 1) if hit)
        ideal = sum(1 / log2(at + 1) for at in range(1, min(most, len(wanted)) + 1))
        found[f"normalized_discounted_cumulative_gain_at_{most}"] = gain / ideal
        found[f"precision_at_{most}"] = sum(hits[:most]) / most
    return found


def load() -> Engine[Study, Studied]:
    """Raises `EngineMissing`."""
    return _Trainer()


ENGINE = Capability(
    name="recommender_training",
    input=Study,
    output=Studied,
    load=load,
    batch=1,
    longest=4 * 3600.0,
)
