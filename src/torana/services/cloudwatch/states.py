"""The states of alarms: changed whole with their history and their actions, or not at all."""

from typing import Any

import msgspec

from torana.services.cloudwatch.actions import Actions, Due
from torana.services.cloudwatch.alarm_words import UNCHECKED, event, notification
from torana.services.cloudwatch.history import entry
from torana.services.cloudwatch.judge import ALARM, INSUFFICIENT, OK
from torana.services.given import items
from torana.state.store import Change, Conflict, Store

ALARMS = "cloudwatch-alarm"
"""Their configuration, by name."""
STATES = "cloudwatch-alarm-state"
"""By name."""

Json = dict[str, Any]

ACTIONS = {
    ALARM: "AlarmActions",
    OK: "OKActions",
    INSUFFICIENT: "InsufficientDataActions",
}


def initial(now: float) -> Json:
    """Of an alarm that was not looked at yet."""
    return {"value": INSUFFICIENT, "reason": UNCHECKED, "updated": now, "transitioned": now}


class States:
    """Changes states."""

    def __init__(self, store: Store, actions: Actions) -> None:
        self._store, self._actions = store, actions

    async def all(self) -> dict[str, Json]:
        """By name."""
        return {each.id: msgspec.json.decode(each.body) async for each in self._store.scan(STATES)}

    async def change(
        self,
        config: Json,
        value: str,
        reason: str,
        data: str,
        now: float,
        *,
        hold: Json | None = None,
    ) -> bool:
        """Whether the state is another one now. `hold`: members of a composite alarm's state that
        say why its actions wait; they are not done then."""
        name = config["AlarmName"]
        there = await self._store.get(STATES, name)
        before: Json = msgspec.json.decode(there.body) if there else initial(now)
        if before["value"] == value:
            return False
        state: Json = {
            "value": value,
            "reason": reason,
            "data": data,
            "updated": now,
            "transitioned": now,
            "left": now if before["value"] == ALARM else before.get("left", 0),
            **(hold or {}),
        }
        due = [] if hold else _due(config, state, before)
        return await self._commit(name, there.version if there else 0, state, before, due)

    async def _commit(
        self, name: str, version: int, state: Json, before: Json, due: list[Due]
    ) -> bool:
        summary = f"Alarm updated from {before['value']} to {state['value']}"
        told = {
            "version": "1.0",
            "oldState": _shown(before),
            "newState": _shown(state),
        }
        put = [(each, *self._actions.put(each)) for each in due]
        try:
            await self._store.commit(
                [
                    Change(STATES, name, version, msgspec.json.encode(state)),
                    entry(name, "StateUpdate", summary, told, state["updated"]),
                    *(change for _, _, change in put),
                ]
            )
        except Conflict:
            return False
        for each, id, _ in put:
            self._actions.start(id, each)
        return True

    async def release(self, config: Json, kept: Json, *, act: bool, members: Json) -> None:
        """End the waiting of a composite alarm's actions: they are done now, or never."""
        name = config["AlarmName"]
        there = await self._store.get(STATES, name)
        if there is None:
            return
        state: Json = {**msgspec.json.decode(there.body), **members}
        before = {**kept["before"]} if "before" in kept else initial(state["updated"])
        put = (
            [(each, *self._actions.put(each)) for each in _due(config, state, before)]
            if act
            else []
        )
        try:
            await self._store.commit(
                [
                    Change(STATES, name, there.version, msgspec.json.encode(state)),
                    *(change for _, _, change in put),
                ]
            )
        except Conflict:
            return
        for each, id, _ in put:
            self._actions.start(id, each)


def _due(config: Json, state: Json, before: Json) -> list[Due]:
    if config.get("ActionsEnabled") is False:
        return []
    subject, message = notification(config, state, before["value"])
    told = msgspec.Raw(msgspec.json.encode(event(config, state, before)))
    return [
        Due(config["AlarmName"], target, state["value"], subject, message, told)
        for target in items(config, ACTIONS[state["value"]])
    ]


def _shown(state: Json) -> Json:
    found: Json = {"stateValue": state["value"], "stateReason": state["reason"]}
    if state.get("data"):
        found["stateReasonData"] = msgspec.Raw(state["data"].encode())
    return found
