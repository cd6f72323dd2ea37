"""The settings of a method in a stage: its own, or the stage's default.

Source: the `apigateway` service model, `Stage.methodSettings`.
"""

from torana.model.rest import Method, MethodSettings, Stage

_DEFAULT = MethodSettings()


def method_settings(stage: Stage, method: Method) -> MethodSettings:
    """By `{path}/{verb}` (with or without the escapes of a JSON pointer), then `*/*`."""
    for key in (*_own(method), "*/*"):
        if key in stage.method_settings:
            return stage.method_settings[key]
    return _DEFAULT


def has_own_settings(stage: Stage, method: Method) -> bool:
    """Whether a method overrides the stage's default."""
    return any(key in stage.method_settings for key in _own(method))


def _own(method: Method) -> tuple[str, ...]:
    path = method.path.strip("/").replace("/", "~1")
    return (
        f"~1{path}/{method.http_method}",
        f"{path}/{method.http_method}",
        f"{method.path}/{method.http_method}",
        f"{method.path.lstrip('/')}/{method.http_method}",
    )
