"""Metrics of AI services: `Torana/Inference`, by service and operation."""

from collections.abc import Callable

from torana.telemetry.recorder import Recorder, Series, dimensions

NAMESPACE = "Torana/Inference"
SERVICES = frozenset(
    {
        "bedrock-runtime",
        "comprehend",
        "lex-runtime",
        "lexv2-runtime",
        "personalize-runtime",
        "polly",
        "rekognition",
        "sagemaker-runtime",
        "textract",
        "transcribe",
        "translate",
    }
)
"""By botocore's names."""


def inference_meter(recorder: Recorder) -> Callable[[str, str, float, int], None]:
    """Counts an operation: service, operation, seconds, status of the answer."""

    def note(service: str, operation: str, seconds: float, status: int) -> None:
        if service not in SERVICES:
            return
        for each in (
            dimensions(Service=service),
            dimensions(Service=service, Operation=operation),
        ):
            for name, unit, value in (
                ("Invocations", "Count", 1.0),
                ("ClientErrors", "Count", float(400 <= status < 500)),
                ("ServerErrors", "Count", float(status >= 500)),
                ("Latency", "Milliseconds", round(seconds * 1000, 3)),
            ):
                recorder.add(Series(NAMESPACE, name, each, unit), value)

    return note
