"""Events on their way to the log book."""

import pytest

from torana.telemetry.journal import Journal


def test_events_are_collected_by_stream_until_they_are_taken() -> None:
    journal = Journal(lambda text: text.replace("secret", "*"))
    journal("g", "a", [(1.0, "x"), (2.0, "secret")])
    journal("g", "b", [(3.0, "")])
    journal("g", "a", [(1.5, "y" * 300_000)])
    assert journal.take() == [
        ("g", "a", [(1000, "x"), (2000, "*"), (1500, "y" * 262_144)]),
        ("g", "b", [(3000, " ")]),
    ]
    assert journal.take() == []


def test_events_beyond_what_may_wait_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torana.telemetry.journal._WAITING", 10)
    journal = Journal()
    for _ in range(3):
        journal("g", "s", [(1.0, "123456"), (1.0, "123456")])
    assert journal.dropped == 4
    assert [len(events) for _, _, events in journal.take()] == [2]
    journal("g", "s", [(1.0, "x")])
    assert journal.take() == [("g", "s", [(1000, "x")])]
