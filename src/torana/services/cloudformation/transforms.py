"""Macros of a whole template: `AWS::Serverless-2016-10-31` and `AWS::LanguageExtensions`."""

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from torana.services.cloudformation.faults import BadTemplate
from torana.services.cloudformation.records import Json
from torana.services.cloudformation.template import Template

CAPABILITY = "CAPABILITY_AUTO_EXPAND"
SERVERLESS = "AWS::Serverless-2016-10-31"
_EXTENSIONS = "AWS::LanguageExtensions"


async def transformed(template: Template, values: Mapping[str, Any]) -> Json:
    """The template after its macros. Raises `BadTemplate`."""
    whole = template.whole
    for name in template.transforms:
        if name == SERVERLESS:
            whole = await asyncio.to_thread(_serverless, whole, values)
        elif name != _EXTENSIONS:
            raise BadTemplate(f"No transform named {name} found.")
    return whole


def _serverless(whole: Json, values: Mapping[str, Any]) -> Json:
    try:
        from torana.services.cloudformation import serverless
    except ImportError:
        raise BadTemplate(
            f"The transform {SERVERLESS} needs packages that are not installed: "
            "pip install 'torana[sam]'"
        ) from None
    return serverless.translated(deepcopy(whole), values)
