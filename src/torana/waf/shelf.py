"""What web ACLs refer to, by ARN: the World of the documents that the API keeps."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torana.waf.faults import BadRule
from torana.waf.managed import managed
from torana.waf.rates import Rate
from torana.waf.statements import Window

Json = dict[str, Any]


def thawed(value: Any) -> Any:
    """A document as it was given: what is bytes there is base64 in a document."""
    if isinstance(value, dict):
        return {
            name: base64.b64decode(part)
            if name == "SearchString" and isinstance(part, str)
            else thawed(part)
            for name, part in value.items()  # pyright: ignore[reportUnknownVariableType]
        }
    return [thawed(part) for part in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


def label_prefix(arn: str) -> str:
    """Of the labels that rules of a web ACL or rule group add."""
    parts = arn.split(":")
    kind, name = parts[5].split("/")[1:3]
    return f"awswaf:{parts[4]}:{kind}:{name}:"


class Shelf:
    """Implements `Groups`."""

    def __init__(
        self,
        documents: Mapping[str, Json],
        window: Callable[[str, float], Window] = lambda name, seconds: Rate(seconds),
        country: Callable[[str], str] | None = None,
    ) -> None:
        """`documents`: sets and rule groups by ARN. `country` is None where there is no database
        of addresses."""
        self._documents, self._window, self._country = documents, window, country

    def _get(self, arn: str, kind: str) -> Json:
        found = self._documents.get(arn)
        if found is None or f"/{kind}/" not in arn:
            raise BadRule("STATEMENT", arn, "The referenced item does not exist.")
        return found

    def ip_set(self, arn: str) -> Sequence[str]:
        """See `World`."""
        return self._get(arn, "ipset")["Addresses"]

    def regex_set(self, arn: str) -> Sequence[str]:
        """See `World`."""
        kept = self._get(arn, "regexpatternset")["RegularExpressionList"]
        return [each["RegexString"] for each in kept]

    def window(self, name: str, seconds: float) -> Window:
        """See `World`."""
        return self._window(name, seconds)

    def country(self, address: str) -> str:
        """See `World`."""
        if self._country is None:
            raise BadRule(
                "GEO_MATCH_STATEMENT",
                "CountryCodes",
                "Needs a database of addresses: pip install 'torana[geo]'",
            )
        return self._country(address)

    def rule_group(self, arn: str) -> tuple[Sequence[Json], str, Mapping[str, Json]]:
        """See `Groups`."""
        found = thawed(self._get(arn, "rulegroup"))
        return found.get("Rules") or (), label_prefix(arn), found.get("CustomResponseBodies") or {}

    def managed(self, vendor: str, name: str) -> tuple[Sequence[Json], str, int]:
        """See `Groups`."""
        return managed(vendor, name)
