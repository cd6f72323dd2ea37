"""What becomes of requests in API Gateway's namespace."""

from torana.telemetry.api_meter import CONNECT, FOUND, MESSAGE, MISSED, PLAIN, ApiMeter, Place
from torana.telemetry.recorder import Recorder


def summed(meter: ApiMeter) -> dict[tuple[tuple[str, ...], str], tuple[float, float]]:
    """Count and sum of each metric, by the names of its dimensions."""
    recorder = Recorder()
    meter.sum_up(recorder)
    return {
        (tuple(name for name, _ in each.series.dimensions), each.series.name): (
            each.values.count,
            each.values.total,
        )
        for each in recorder.take()
    }


def test_a_rest_api_counts_by_name_stage_and_method() -> None:
    meter = ApiMeter(Place("id", "Orders", "prod", "GET", "/x", detailed=True))
    for status, way in ((200, FOUND), (200, MISSED), (404, MISSED), (502, PLAIN)):
        meter.note((100.0, status, 0.01, 0.005 if way != FOUND else -1.0, way, 10))
    found = summed(meter)
    for names in (("ApiName",), ("ApiName", "Stage"), ("ApiName", "Method", "Resource", "Stage")):
        assert found[names, "Count"] == (4, 4)
        assert found[names, "4XXError"] == (4, 1)
        assert found[names, "5XXError"] == (4, 1)
        assert found[names, "CacheHitCount"] == (3, 1)
        assert found[names, "CacheMissCount"] == (3, 2)
        assert found[names, "IntegrationLatency"][0] == 3


def test_an_http_api_counts_by_id_and_bytes() -> None:
    meter = ApiMeter(Place("id", "Orders", "prod", "GET", "/x", detailed=False, http_api=True))
    for status in (200, 403):
        meter.note((100.0, status, 0.01, 0.005, PLAIN, 10))
    found = summed(meter)
    assert {names for names, _ in found} == {("ApiId",), ("ApiId", "Stage")}
    assert found[("ApiId",), "4xx"] == (2, 1)
    assert found[("ApiId",), "DataProcessed"] == (2, 20)


def test_a_websocket_counts_connections_messages_and_whose_fault_it_was() -> None:
    meter = ApiMeter(Place("id", "Chat", "prod", "", "send", detailed=True))
    meter.note((100.0, 200, 0.01, 0.005, CONNECT, 0))
    meter.note((100.0, 403, 0.01, -1.0, MESSAGE, 0))
    meter.note((100.0, 502, 0.01, 0.2, MESSAGE, 0))
    found = summed(meter)
    own = ("ApiId", "Route", "Stage")
    assert found[own, "ConnectCount"] == (1, 1)
    assert found[own, "MessageCount"] == (2, 2)
    assert found[own, "ClientError"] == (3, 1)
    assert found[own, "IntegrationError"] == (3, 1)
    assert found[("ApiId",), "IntegrationLatency"][0] == 2


def test_requests_around_a_full_minute_count_in_their_own() -> None:
    meter, recorder = ApiMeter(Place("id", "n", "s", "GET", "/", detailed=False)), Recorder()
    for at in (59.9, 60.1, 60.2):
        meter.note((at, 200, 0.01, -1.0, PLAIN, 0))
    meter.sum_up(recorder)
    counts = {p.at: p.values.count for p in recorder.take() if p.series.name == "Count"}
    assert counts == {0: 1, 60: 2}
