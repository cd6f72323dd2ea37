"""What became of alarms: for thirty days, the newest first."""

from typing import Any
from uuid import uuid4

import msgspec

from torana.state.store import Change, Store

HISTORY = "cloudwatch-alarm-history"
"""Under an id that sorts the newest first."""
KEPT = 30 * 86400
_LAST = (1 << 62) - 1

Json = dict[str, Any]


def entry(alarm: str, kind: str, summary: str, data: Json, now: float) -> Change:
    """What to commit. `kind` is `ConfigurationUpdate`, `StateUpdate` or `Action`."""
    record = {
        "AlarmName": alarm,
        "HistoryItemType": kind,
        "HistorySummary": summary[:255],
        "HistoryData": msgspec.json.encode(data).decode()[:4095],
        "Timestamp": now,
    }
    id = f"{_LAST - int(now * 1e9):016x}-{uuid4().hex[:12]}"
    return Change(HISTORY, id, 0, msgspec.json.encode(record))


def before(now: float) -> str:
    """Records of that time and earlier sort behind this."""
    return f"{_LAST - int(now * 1e9):016x}"


async def forget(store: Store, now: float) -> None:
    """Drop what is too old."""
    old = [each async for each in store.scan(HISTORY, after=before(now - KEPT))]
    for start in range(0, len(old), 200):
        changes = [Change(HISTORY, e.id, e.version, None) for e in old[start : start + 200]]
        await store.commit(changes)
