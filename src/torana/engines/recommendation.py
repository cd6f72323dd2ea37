"""Items for a user or like an item, by recommenders that were trained here, with filters."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from torana.engines.engine import Capability, Engine
from torana.engines.kept import Kept
from torana.engines.recommender_model import Model, need, read
from torana.model.item_filter import BadFilter, Clause, Filter, parse
from torana.model.recommendation import PERSONAL, Pick, Picked, Wish
from torana.state.interactions import InteractionFile

_LOOKED_UP = 200
"""Items whose fields are read at once for a filter."""
_SHARPNESS = 8.0
"""Of scores: vectors' products lie between 0 and 1."""


class _Recommender:
    def __init__(self) -> None:
        need("numpy")
        self._models = Kept(read)

    def run(self, batch: Sequence[Wish], /) -> list[Picked]:
        return [self._pick(each) for each in batch]

    def _pick(self, wish: Wish) -> Picked:
        numpy, model = need("numpy"), self._models(wish.model)
        file = InteractionFile(Path(wish.data))
        done = file.of_user(wish.user) if wish.user else []
        scores = model.scores([each["ITEM_ID"] for each in done], wish.item)
        ranked = list(wish.among)
        if ranked:
            ranked = _ranked(model, scores, ranked)
        else:
            order: list[int] = numpy.argsort(-scores, kind="stable").tolist()
            ranked = [model.items[at] for at in order if model.items[at] != wish.item]
        try:
            kept = _kept(file, wish, done, ranked) if wish.filter else ranked[: wish.count]
        except BadFilter as error:
            return Picked(bad=str(error))
        shares: Mapping[str, float] = {}
        if model.method == PERSONAL:
            shares = _shares(model, scores, wish.among)
        told = file.fields("items", kept) if wish.columns else {}
        return Picked([Pick(i, shares.get(i), _told(told.get(i, {}), wish.columns)) for i in kept])


def _ranked(model: Model, scores: Any, among: Sequence[str]) -> list[str]:
    """Those that are known, the best first, then the others as they came."""
    known = [item for item in among if item in model.places]
    known.sort(key=lambda item: -float(scores[model.places[item]]))
    return known + [item for item in among if item not in model.places]


def _shares(model: Model, scores: Any, among: Sequence[str]) -> Mapping[str, float]:
    """Scores that add up to 1."""
    numpy = need("numpy")
    items = [item for item in among if item in model.places] if among else model.items
    if not items:
        return dict.fromkeys(among, 1 / len(among))
    values = scores if not among else scores[[model.places[item] for item in items]]
    weights = numpy.exp((values - values.max()) * _SHARPNESS)
    weights = weights / weights.sum()
    return dict.fromkeys(among, 0.0) | {
        item: float(weight) for item, weight in zip(items, weights, strict=True)
    }


def _kept(
    file: InteractionFile, wish: Wish, done: Sequence[dict[str, Any]], ranked: Sequence[str]
) -> list[str]:
    """The best that pass the filter."""
    by_item: dict[str, list[dict[str, Any]]] = {}
    for each in done:
        by_item.setdefault(each["ITEM_ID"], []).append(each)
    user = file.fields("users", [wish.user]).get(wish.user, {}) if wish.user else {}
    wanted = Filter(_parsed(wish.filter), wish.values, user, by_item)
    kept: list[str] = []
    for start in range(0, len(ranked), _LOOKED_UP):
        some = ranked[start : start + _LOOKED_UP]
        fields = file.fields("items", some)
        kept += [item for item in some if wanted.passes(item, fields.get(item, {}))]
        if len(kept) >= wish.count:
            break
    return kept[: wish.count]


@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[Clause, ...]:
    return parse(text)


def _told(fields: Mapping[str, Any], columns: Sequence[str]) -> dict[str, str]:
    by_name = {name.upper(): value for name, value in fields.items()}
    return {each: str(by_name[each.upper()]) for each in columns if each.upper() in by_name}


def load() -> Engine[Wish, Picked]:
    """Raises `EngineMissing`."""
    return _Recommender()


ENGINE = Capability(name="recommendation", input=Wish, output=Picked, load=load)
