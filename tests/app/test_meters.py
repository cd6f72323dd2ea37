"""What functions, AI services and the LLM API are measured by."""

from torana.app.function_meter import FunctionMeter
from torana.app.inference_meter import inference_meter
from torana.app.llm_meter import llm_meter
from torana.llm.spend import Spent
from torana.model.function import Event, FunctionVersion
from torana.telemetry.recorder import Recorder

Sums = dict[tuple[str, str], tuple[float, float]]
"""Count and sum by the dimensions (`A=1 B=2`) and the metric."""


def taken(recorder: Recorder) -> Sums:
    return {
        (" ".join(f"{name}={value}" for name, value in each.series.dimensions), each.series.name): (
            each.values.count,
            round(each.values.total, 6),
        )
        for each in recorder.take()
    }


def test_an_llm_request_counts_for_its_model_key_team_and_provider() -> None:
    recorder = Recorder()
    meter = llm_meter(recorder)
    answered = Spent(
        1.0, "k", "fast", "up", "gpt-x", 200, 90, 10, 5, 0.25, 1.5, team="a", stream=True, first=0.2
    )
    meter.note(answered)
    meter.note(Spent(1.0, "k", "fast", "", "", 502, team="a"))
    meter.note(Spent(1.0, "k", "fast", "", "", 200, usd=0.0, hit=True, saved=0.1, team="a"))
    found = taken(recorder)
    for own in ("", "Model=fast", "Key=k", "Team=a"):
        assert found[own, "Requests"] == (3, 3)
        assert found[own, "Errors"] == (3, 1)
        assert found[own, "CacheHits"] == (3, 1)
        assert found[own, "CacheSavings"] == (1, 0.1)
        assert found[own, "Cost"] == (1, 0.25)
        assert found[own, "InputTokens"] == (1, 90)
        assert found[own, "TimeToFirstToken"] == (1, 200)
    assert found["Provider=up Target=gpt-x", "OutputTokens"] == (1, 10)
    assert found["Provider=up", "Latency"] == (1, 1500)


def test_a_function_counts_by_name_and_by_what_it_was_invoked_as() -> None:
    recorder = Recorder()
    meter = FunctionMeter(recorder)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
    version = FunctionVersion("f", "3", arn, "python3.12", "a.b", "/", "r", memory=512)
    for failed in (False, True):
        meter.started(version)
        meter.took(version, f"{arn}:live", 2.0)
        meter.invoked(version, Event("1", b"", f"{arn}:live"), failed=failed)
    meter.throttled(version, Event("2", b"", f"{arn}:live"))
    meter.ended(version)
    found = taken(recorder)
    alias = "ExecutedVersion=3 FunctionName=f Resource=f:live"
    for own in ("", "FunctionName=f", "FunctionName=f Resource=f:live", alias):
        assert found[own, "Invocations"] == (2, 2)
        assert found[own, "Errors"] == (2, 1)
        assert found[own, "Throttles"] == (3, 1)
        assert found[own, "Duration"] == (2, 4000)
    assert found["FunctionName=f", "ConcurrentExecutions"] == (2, 3)
    assert found["FunctionName=f", "GBSeconds"] == (2, 2.0)


def test_ai_services_count_by_operation_and_others_do_not() -> None:
    recorder = Recorder()
    note = inference_meter(recorder)
    note("comprehend", "DetectSentiment", 0.02, 200)
    note("comprehend", "DetectSentiment", 0.01, 400)
    note("sqs", "SendMessage", 0.01, 200)
    found = taken(recorder)
    own = "Operation=DetectSentiment Service=comprehend"
    assert found[own, "Invocations"] == (2, 2)
    assert found[own, "ClientErrors"] == (2, 1)
    assert found["Service=comprehend", "Latency"] == (2, 30)
    assert not any("sqs" in dimensions for dimensions, _ in found)


def test_ai_operations_count_in_the_minute_in_which_they_ended() -> None:
    recorder, now = Recorder(), [59.0]
    note = inference_meter(recorder, lambda: now[0])
    note("comprehend", "DetectSentiment", 0.02, 200)
    now[0] = 61.0
    note("comprehend", "DetectSyntax", 0.02, 500)
    found = {
        (each.at, each.series.name): each.values.total
        for each in recorder.take()
        if each.series.dimensions == (("Service", "comprehend"),)
    }
    assert found[0, "Invocations"] == found[60, "Invocations"] == 1
    assert (found[0, "ServerErrors"], found[60, "ServerErrors"]) == (0, 1)
    assert recorder.take() == []
