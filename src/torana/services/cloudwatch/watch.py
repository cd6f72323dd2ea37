"""Looks at alarms again and again: one process of all that share the store does.

Metric alarms are judged when a period may have ended, composite ones after them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from torana.services.cloudwatch.alarm_rule import compile_rule
from torana.services.cloudwatch.alarm_words import reason, reason_data
from torana.services.cloudwatch.evaluate import Evaluation, Excluded, queries
from torana.services.cloudwatch.history import forget
from torana.services.cloudwatch.judge import ALARM, BANDS, EXTRA, INSUFFICIENT, OK, Datapoint, judge
from torana.services.cloudwatch.maths import Line, Range
from torana.services.cloudwatch.states import ALARMS, States, initial
from torana.services.given import items, members
from torana.state.store import Store, StoreError
from torana.telemetry.timeseries import TimeSeries
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.cloudwatch")

EVERY = 5.0
"""Seconds between two looks."""
_LATE = 2
"""Seconds after the end of a period in which its last values come in."""
_LEASE = 30.0

Json = dict[str, Any]


class Lease(Protocol):
    """What the process holds that looks."""

    async def renew(self, ttl: float, /) -> bool: ...


Lead = Callable[[str, float], Awaitable[Lease | None]]


async def alone(name: str, ttl: float) -> Lease | None:
    """For a store that nobody shares."""
    return _Always()


class _Always:
    async def renew(self, ttl: float) -> bool:
        return True


class Watcher:
    """Judges every alarm."""

    def __init__(
        self,
        store: Store,
        series: TimeSeries,
        states: States,
        excluded: Callable[[], Awaitable[Excluded]],
        resume: Callable[[], Awaitable[None]],
        lead: Lead = alone,
    ) -> None:
        self._store, self._series, self._states = store, series, states
        self._excluded, self._resume, self._lead = excluded, resume, lead
        self._done: dict[str, tuple[int, float]] = {}
        """Up to when an alarm was judged, and in which configuration."""
        self._tidied = 0.0

    async def run(self) -> None:
        """For ever."""
        lease: Lease | None = None
        while True:
            try:
                if lease is None or not await lease.renew(_LEASE):
                    lease = await self._lead("cloudwatch.alarms", _LEASE)
                    if lease is not None:
                        await self._resume()
                if lease is not None:
                    await self.look()
            except StoreError as error:
                _log.warning("alarms are not looked at: %s", error)
            except Exception:  # noqa: BLE001  one bad look must not end all further ones
                _log.exception("alarms cannot be looked at")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Judge every alarm once."""
        configs = [
            (each.id, msgspec.json.decode(each.body)) async for each in self._store.scan(ALARMS)
        ]
        states, excluded = await self._states.all(), await self._excluded()
        for name, config in configs:
            if "AlarmRule" not in config:
                await self._judge(config, states.get(name), excluded)
        await self._composites([config for _, config in configs])
        now = self._series.clock()
        if now - self._tidied > 3600:
            self._tidied = now
            await forget(self._store, now)

    async def _judge(self, config: Json, state: Json | None, excluded: Excluded) -> None:
        name, now = config["AlarmName"], self._series.clock()
        period = _period(config)
        step = min(60, max(10, period))
        end = int((now - _LATE) // step * step)
        if self._done.get(name) == (end, config["Updated"]):
            return
        state = state or initial(now)
        periods = config["EvaluationPeriods"]
        start = end - period * (periods + EXTRA)
        try:
            points = await self._points(config, Range(start, end), period, excluded)
        except ServiceError as error:
            _log.warning("the alarm %s cannot be evaluated: %s", name, error)
            points = [Datapoint(end - period, None)]
        verdict = judge(
            points,
            config["ComparisonOperator"],
            periods,
            config.get("DatapointsToAlarm") or periods,
            config.get("TreatMissingData") or "missing",
            state["value"],
        )
        self._done[name] = end, config["Updated"]
        await self._states.change(
            config,
            verdict.state,
            reason(config, verdict, state["value"]),
            reason_data(config, verdict, now),
            now,
        )

    async def _points(
        self, config: Json, asked: Range, period: int, excluded: Excluded
    ) -> list[Datapoint]:
        """The newest first."""
        given: list[Json] = config.get("Metrics") or [single(config)]
        evaluation = Evaluation(self._series, queries(given), asked, excluded)
        band_id = config.get("ThresholdMetricId")
        [own] = [e["Id"] for e in given if e.get("ReturnData") is not False and e["Id"] != band_id]
        line = await evaluation.of(own)
        if isinstance(line, list) and len(line) < 2:
            line = line[0] if line else Line({}, period)
        if not isinstance(line, Line):
            raise ServiceError("ValidationError", "the alarm's query is not one time series")
        low, high = dict[int, float](), dict[int, float]()
        if band_id is not None:
            band = await evaluation.of(band_id)
            if isinstance(band, list) and len(band) == 2:
                high, low = band[0].points, band[1].points
        banded = config["ComparisonOperator"] in BANDS
        limit = config.get("Threshold")
        return [
            Datapoint(
                at,
                line.points.get(at) if not banded or at in high else None,
                low.get(at) if banded else None,
                high.get(at) if banded else limit,
            )
            for at in reversed(asked.times(period))
        ]

    async def _composites(self, configs: list[Json]) -> None:
        for _ in range(len(configs)):
            states = await self._states.all()
            values = {
                name: states[name]["value"] if name in states else INSUFFICIENT
                for name in (config["AlarmName"] for config in configs)
            }
            changed = [
                await self._composite(each, states, values)
                for each in configs
                if "AlarmRule" in each
            ]
            if not any(changed):
                return

    async def _composite(
        self, config: Json, states: dict[str, Json], values: dict[str, str]
    ) -> bool:
        now = self._series.clock()
        holds, names = compile_rule(config["AlarmRule"])
        value = ALARM if holds(values) else OK
        own = states.get(config["AlarmName"])
        if own is not None and own["value"] == value:
            await self._held(config, own, states, now)
            return False
        told = ", ".join(f"{each} is in {values.get(each, 'no state')}" for each in names[:5])
        why = f"The rule {'holds' if value == ALARM else 'does not hold'}: {told}"[:1023]
        hold: Json | None = None
        suppressor = _suppressor(config)
        if suppressor:
            hold = {"held": {"since": now, "before": own or initial(now)}}
            hold |= _suppression(config, states.get(suppressor), now) or {
                "suppressed": "WaitPeriod"
            }
        return await self._states.change(config, value, why, "", now, hold=hold)

    async def _held(self, config: Json, own: Json, states: dict[str, Json], now: float) -> None:
        """A composite alarm whose actions wait for its suppressor."""
        kept = own.get("held")
        if not kept:
            return
        active = _suppression(config, states.get(_suppressor(config)), now)
        if active is not None:
            if active["suppressed"] != own.get("suppressed"):
                await self._states.release(config, kept, act=False, members=active)
        elif own.get("suppressed") != "WaitPeriod" or now - kept["since"] >= (
            config.get("ActionsSuppressorWaitPeriod") or 0
        ):
            members = {"held": None, "suppressed": None}
            await self._states.release(config, kept, act=True, members=members)


def single(config: Json) -> Json:
    """The query of an alarm on one metric."""
    metric = {name: config.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat: Json = {
        "Metric": metric,
        "Period": config["Period"],
        "Stat": config.get("Statistic") or config.get("ExtendedStatistic"),
    }
    if config.get("Unit"):
        stat["Unit"] = config["Unit"]
    return {"Id": "m1", "MetricStat": stat}


def _period(config: Json) -> int:
    if config.get("Period"):
        return config["Period"]
    periods = [
        int(members(each, "MetricStat").get("Period") or each.get("Period") or 0)
        for each in items(config, "Metrics")
    ]
    return max([*periods, 10]) if any(periods) else 60


def _suppressor(config: Json) -> str:
    given = config.get("ActionsSuppressor") or ""
    return given.partition(":alarm:")[2] or given


def _suppression(config: Json, state: Json | None, now: float) -> Json | None:
    """What keeps a composite alarm's actions back at present."""
    if state is None:
        return None
    if state["value"] == ALARM:
        return {"suppressed": "Alarm"}
    extension = config.get("ActionsSuppressorExtensionPeriod") or 0
    if now - (state.get("left") or 0) < extension:
        return {"suppressed": "ExtensionPeriod"}
    return None
