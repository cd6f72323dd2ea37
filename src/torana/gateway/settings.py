"""The settings of a method in a stage: its own, or the stage's default.

Source: the `apigateway` service model, `Stage.methodSettings`.
"""

from torana.model.rest import Method, MethodSettings, Stage

_DEFAULT = MethodSettings()


def method_settings(stage: Stage, method: Method) -> MethodSettings:
    """By `{path}/{verb}` (with or without the escapes of a JSON pointer), then `*/*`."""
    path = method.path.strip("/").replace("/", "~1")
    keys = (
        f"~1{path}/{method.http_method}",
        f"{path}/{method.http_method}",
        f"{method.path}/{method.http_method}",
        f"{method.path.lstrip('/')}/{method.http_method}",
        "*/*",
    )
    for key in keys:
        if key in stage.method_settings:
            return stage.method_settings[key]
    return _DEFAULT
