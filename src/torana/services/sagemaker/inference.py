"""Runs in a box of its own: a model folder's inference code, behind one function.

The contract is that of SageMaker's inference toolkit: `model_fn(model_dir)`, then either
`transform_fn(model, body, content_type, accept)` or `input_fn(body, content_type)`,
`predict_fn(data, model)` and `output_fn(prediction, accept)`, each with a default but the first.
Source: sagemaker-inference-toolkit, "Implementing a handler service".
"""

import base64
import csv
import importlib
import io
import json
import os
import sys
from typing import Any, cast

_FOLDER = os.environ["SM_MODEL_DIR"] = os.environ["LAMBDA_TASK_ROOT"]
_model: Any = None
_code: Any = None


class Refused(Exception):
    """The request cannot be met; `status` is what a container would answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _load() -> None:
    global _model, _code
    if _code is not None:
        return
    program = os.environ.get("SAGEMAKER_PROGRAM", "inference.py").removesuffix(".py")
    sys.path[:0] = [os.path.join(_FOLDER, "code"), _FOLDER]  # noqa: PTH118  starts without pathlib
    code = importlib.import_module(program)
    if not hasattr(code, "model_fn"):
        raise Refused(500, f"{program}.py defines no model_fn")
    _model = code.model_fn(_FOLDER)
    _code = code


def _read(body: bytes, content_type: str) -> Any:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return json.loads(body)
    if kind == "text/csv":
        rows = [row for row in csv.reader(io.StringIO(body.decode())) if row]
        return [[float(value) for value in row] for row in rows]
    if kind == "application/x-npy":
        return importlib.import_module("numpy").load(io.BytesIO(body), allow_pickle=False)
    raise Refused(415, f"The content type {content_type} is not supported: define input_fn")


def _predict(data: Any, model: Any) -> Any:
    if hasattr(model, "predict"):
        return model.predict(data)
    if callable(model):
        return model(data)
    raise Refused(500, "The model has no predict: define predict_fn")


def _write(prediction: Any, accept: str) -> tuple[bytes, str]:
    plain = prediction.tolist() if hasattr(prediction, "tolist") else prediction
    kind = accept.partition(",")[0].partition(";")[0].strip().lower()
    if kind in ("", "*/*", "application/json"):
        return json.dumps(plain).encode(), "application/json"
    if kind == "text/csv":
        out = io.StringIO()
        rows: list[Any] = [row if isinstance(row, list) else [row] for row in plain]
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue().encode(), "text/csv"
    raise Refused(406, f"The type {accept} is not supported: define output_fn")


def _answer(body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    if hasattr(_code, "transform_fn"):
        found = _code.transform_fn(_model, body, content_type, accept)
    else:
        data = getattr(_code, "input_fn", _read)(body, content_type)
        prediction = getattr(_code, "predict_fn", _predict)(data, _model)
        found = getattr(_code, "output_fn", _write)(prediction, accept)
    said: Any = found
    kind = accept or "application/json"
    if isinstance(found, tuple):
        said, kind = cast("tuple[Any, str]", found)
    return said.encode() if isinstance(said, str) else bytes(said), kind


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A ping loads the model; an invocation asks it."""
    try:
        _load()
        if "body" not in event:
            return {"status": 200}
        body = base64.b64decode(event["body"])
        said, kind = _answer(body, event["contentType"], event["accept"])
    except Refused as refused:
        return {"status": refused.status, "error": str(refused)}
    return {"status": 200, "body": base64.b64encode(said).decode(), "contentType": kind}
