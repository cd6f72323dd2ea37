"""Plain values to YAML that `yaml_text` reads as the same values."""

import re
from typing import Any, cast

import yaml

from torana.openapi.core_schema import BASED, FLOAT, INT, TAG

_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029\ufeff]")
"""PyYAML folds some of these away unless they are escaped."""


class _Dumper(yaml.SafeDumper):
    """Quotes what the core schema would take for a number, and writes long text as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if _OTHER_BREAKS.search(text):
        style = '"'
    return cast(Any, dumper).represent_scalar(TAG + "str", text, style=style)


_Dumper.add_representer(str, _block)
for _number, _kind in ((FLOAT, "float"), (BASED, "int"), (INT, "int")):
    cast(Any, _Dumper).add_implicit_resolver(
        TAG + _kind, re.compile(f"^(?:{_number.pattern})$"), list("-+.0123456789")
    )


def dump(value: Any) -> str:
    """The text; keys keep their order."""
    text = cast(Any, yaml).dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )
    return cast(str, text)
