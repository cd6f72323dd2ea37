"""Operations on alarms. Source: CloudWatch API Reference."""

from collections.abc import Callable
from typing import Any

import msgspec

from torana.services.apigateway.book import Book, Sheet
from torana.services.cloudwatch import actions, alarm_checks
from torana.services.cloudwatch.alarm_rule import compile_rule
from torana.services.cloudwatch.faults import limit, validation
from torana.services.cloudwatch.history import HISTORY, before, entry
from torana.services.cloudwatch.metrics import dimensions_of
from torana.services.cloudwatch.states import ALARMS, STATES, States, initial
from torana.services.given import items
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Json = dict[str, Any]
_MOST = 5000
_PAGE = 100


def alarm_arn(call: Call, name: str) -> str:
    """An alarm's ARN."""
    return f"arn:aws:cloudwatch:{call.region}:{call.principal.account}:alarm:{name}"


class Alarms:
    """The operations."""

    def __init__(self, book: Book, states: States, clock: Callable[[], float]) -> None:
        self._book, self._states, self._clock = book, states, clock

    async def PutMetricAlarm(self, call: Call, params: Json) -> Json:
        """An alarm on a metric, or on what maths makes of several."""
        alarm_checks.metric_alarm(params)
        return await self._put(call, params, alarm_checks.METRIC)

    async def PutCompositeAlarm(self, call: Call, params: Json) -> Json:
        """An alarm on other alarms, which must be there and not depend on it."""
        names = alarm_checks.composite_alarm(params)
        await self._check_children(params["AlarmName"], names)
        return await self._put(call, params, alarm_checks.COMPOSITE)

    async def _check_children(self, own: str, names: list[str]) -> None:
        async def work(sheet: Sheet) -> None:
            seen, left = set[str](), list(names)
            while left:
                name = left.pop()
                if name == own:
                    raise validation("Could not save the composite alarm: its rule is a cycle.")
                if name in seen:
                    continue
                seen.add(name)
                config = await sheet.get(ALARMS, name)
                if config is None:
                    raise validation(f"Could not save the composite alarm: no alarm {name}.")
                if "AlarmRule" in config:
                    left += compile_rule(config["AlarmRule"])[1]

        await self._book.read(work)

    async def _put(self, call: Call, params: Json, kept: tuple[str, ...]) -> Json:
        for name in ("OKActions", "AlarmActions", "InsufficientDataActions"):
            actions.check(params.get(name))
        name, now = params["AlarmName"], self._clock()

        async def work(sheet: Sheet) -> Json:
            there = await sheet.get(ALARMS, name)
            if there is not None and ("AlarmRule" in there) != ("AlarmRule" in params):
                raise validation("The type of an alarm cannot be changed.")
            config: Json = {key: params[key] for key in kept if params.get(key) is not None}
            tags = {each["Key"]: each["Value"] for each in items(params, "Tags")}
            config |= {"AlarmName": name, "AlarmArn": alarm_arn(call, name), "Updated": now}
            config["Tags"] = tags if there is None else there.get("Tags", {})
            config.setdefault("ActionsEnabled", True)
            sheet.put(ALARMS, name, config)
            return {} if there is None else {"updated": True}

        if len([1 async for _ in self._book.store.scan(ALARMS)]) >= _MOST:
            raise limit(f"There can be at most {_MOST} alarms.")
        done = await self._book.edit(call, work)
        what = "updated" if done else "created"
        told = {"version": "1.0", "type": "Update" if done else "Create"}
        await self._tell(name, f'Alarm "{name}" {what}', told)
        return {}

    async def _tell(self, name: str, summary: str, data: Json) -> None:
        change = entry(name, "ConfigurationUpdate", summary, data, self._clock())
        await self._book.store.commit([change])

    async def DeleteAlarms(self, call: Call, params: Json) -> Json:
        """All of them, or none."""
        names: list[str] = params["AlarmNames"]

        async def work(sheet: Sheet) -> Json:
            gone = set(names)
            async for id, config in sheet.scan(ALARMS):
                needed = set(compile_rule(config["AlarmRule"])[1]) if "AlarmRule" in config else ()
                if id not in gone and gone.intersection(needed):
                    raise validation(f"An alarm of the rule of {id} cannot be deleted before it.")
            for name in names:
                if await sheet.get(ALARMS, name) is None:
                    if len(names) > 1:
                        raise ServiceError("ResourceNotFound", f"There is no alarm {name}.")
                    continue
                sheet.delete(ALARMS, name)
                if await sheet.get(STATES, name) is not None:
                    sheet.delete(STATES, name)
            return {}

        await self._book.edit(call, work)
        for name in names:
            await self._tell(name, f'Alarm "{name}" deleted', {"version": "1.0", "type": "Delete"})
        return {}

    async def DescribeAlarms(self, call: Call, params: Json) -> Json:
        """By name, by prefix, by state, by action, in pages."""
        _one_way(params)
        found = [(n, c, s) for n, c, s in await self._all() if _wanted(n, c, s, params)]
        names = await self._related(params)
        if names is not None:
            found = [each for each in found if each[0] in names]
        types: list[str] = params.get("AlarmTypes") or ["MetricAlarm"]
        found = [each for each in found if _type(each[1]) in types or params.get("AlarmNames")]
        after, most = params.get("NextToken") or "", params.get("MaxRecords") or 50
        rest = [each for each in found if each[0] > after]
        answer: Json = {"MetricAlarms": [], "CompositeAlarms": []}
        for _, config, state in rest[:most]:
            answer[f"{_type(config)}s"].append(_shown(config, state))
        if len(rest) > most:
            answer["NextToken"] = rest[most - 1][0]
        return answer

    async def _related(self, params: Json) -> set[str] | None:
        """The children, or the parents, of an alarm."""
        child, parent = params.get("ParentsOfAlarmName"), params.get("ChildrenOfAlarmName")
        if not child and not parent:
            return None
        rules = {n: compile_rule(c["AlarmRule"])[1] for n, c, _ in await self._all()
                 if "AlarmRule" in c}  # fmt: skip
        if parent:
            return set(rules.get(parent, ()))
        return {name for name, names in rules.items() if child in names}

    async def _all(self) -> list[tuple[str, Json, Json]]:
        states = await self._states.all()
        return [
            (each.id, config, states.get(each.id) or initial(config["Updated"]))
            async for each in self._book.store.scan(ALARMS)
            if (config := msgspec.json.decode(each.body))
        ]

    async def DescribeAlarmsForMetric(self, call: Call, params: Json) -> Json:
        """Alarms on one metric alone."""
        wanted = dimensions_of(params.get("Dimensions"))

        def fits(config: Json) -> bool:
            optional = ("Statistic", "ExtendedStatistic", "Period", "Unit")
            return (
                config.get("MetricName") == params["MetricName"]
                and config.get("Namespace") == params["Namespace"]
                and dimensions_of(config.get("Dimensions")) == wanted
                and all(config.get(n) == params[n] for n in optional if params.get(n))
            )

        found = [_shown(config, state) for _, config, state in await self._all() if fits(config)]
        return {"MetricAlarms": found}

    async def DescribeAlarmHistory(self, call: Call, params: Json) -> Json:
        """What became of alarms, the newest first, in pages."""
        start, end = params.get("StartDate"), params.get("EndDate")
        first = start.timestamp() if start else 0.0
        after = params.get("NextToken") or (before(end.timestamp()) if end else "")
        most = params.get("MaxRecords") or 100
        found: list[tuple[str, Json]] = []
        async for each in self._book.store.scan(HISTORY, after=after):
            item = msgspec.json.decode(each.body)
            if item["Timestamp"] < first:
                break
            if _told(item, params):
                found.append((each.id, item))
            if len(found) > most:
                break
        if params.get("ScanBy") == "TimestampAscending":
            found.reverse()
        answer: Json = {"AlarmHistoryItems": [item for _, item in found[:most]]}
        if len(found) > most:
            answer["NextToken"] = found[most - 1][0]
        return answer

    async def SetAlarmState(self, call: Call, params: Json) -> Json:
        """Until it is judged the next time. Its actions are done."""
        name, data = params["AlarmName"], params.get("StateReasonData") or ""
        if data:
            try:
                msgspec.json.decode(data)
            except msgspec.DecodeError:
                raise ServiceError("InvalidFormat", "StateReasonData is not JSON.") from None
        there = await self._book.store.get(ALARMS, name)
        if there is None:
            raise ServiceError("ResourceNotFound", f"There is no alarm {name}.")
        config = msgspec.json.decode(there.body)
        reason = params["StateReason"]
        await self._states.change(config, params["StateValue"], reason, data, self._clock())
        return {}

    async def EnableAlarmActions(self, call: Call, params: Json) -> Json:
        """Do their actions again."""
        return await self._switch(call, params, on=True)

    async def DisableAlarmActions(self, call: Call, params: Json) -> Json:
        """Judge them, and do nothing."""
        return await self._switch(call, params, on=False)

    async def _switch(self, call: Call, params: Json, *, on: bool) -> Json:
        async def work(sheet: Sheet) -> Json:
            for name in params["AlarmNames"]:
                config = await sheet.get(ALARMS, name)
                if config is not None:
                    sheet.put(ALARMS, name, {**config, "ActionsEnabled": on})
            return {}

        return await self._book.edit(call, work)


def _one_way(params: Json) -> None:
    if params.get("AlarmNames") and params.get("AlarmNamePrefix"):
        raise validation("AlarmNames and AlarmNamePrefix exclude each other.")


def _type(config: Json) -> str:
    return "CompositeAlarm" if "AlarmRule" in config else "MetricAlarm"


def _wanted(name: str, config: Json, state: Json, params: Json) -> bool:
    names, prefix = params.get("AlarmNames"), params.get("ActionPrefix")
    own = [
        target
        for kind in ("OKActions", "AlarmActions", "InsufficientDataActions")
        for target in items(config, kind)
    ]
    return (
        (not names or name in names)
        and name.startswith(params.get("AlarmNamePrefix") or "")
        and params.get("StateValue") in (None, state["value"])
        and (not prefix or any(target.startswith(prefix) for target in own))
    )


def _told(item: Json, params: Json) -> bool:
    return params.get("AlarmName") in (None, item["AlarmName"]) and params.get(
        "HistoryItemType"
    ) in (None, item["HistoryItemType"])


def _shown(config: Json, state: Json) -> Json:
    shown: Json = {key: value for key, value in config.items() if key not in ("Updated", "Tags")}
    for name in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        shown.setdefault(name, [])
    shown |= {
        "AlarmConfigurationUpdatedTimestamp": config["Updated"],
        "StateValue": state["value"],
        "StateReason": state["reason"],
        "StateUpdatedTimestamp": state["updated"],
        "StateTransitionedTimestamp": state["transitioned"],
    }
    if state.get("data"):
        shown["StateReasonData"] = state["data"]
    if state.get("suppressed"):
        shown["ActionsSuppressedBy"] = state["suppressed"]
    if "AlarmRule" not in config:
        shown.setdefault("Dimensions", [])
    return shown
