"""The page about definitions tells every rule and every extension there is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/definitions.md").read_text()
SOURCE = "\n".join(file.read_text() for file in (ROOT / "src/torana/openapi").glob("*.py"))


def test_every_rule_is_explained() -> None:
    rules = set(re.findall(r'\.(?:fail|warn)\(\s*"([a-z-]+)"', SOURCE))
    assert len(rules) > 40
    assert [rule for rule in sorted(rules) if f"`{rule}`" not in PAGE] == []


def test_every_extension_is_explained() -> None:
    known = re.search(r"_KNOWN = \((.*?)\n\)", SOURCE, re.DOTALL)
    assert known is not None
    names = re.findall(r'"([a-z-]+)"', known[1])
    assert len(names) > 15
    assert [name for name in names if f"`{name}`" not in PAGE and f"-{name}`" not in PAGE] == []
