"""What the managed rule groups find: `python -m bench.waf FOLDER`.

FOLDER is `tests/regression/tests` of the OWASP Core Rule Set (Debian: `apt-get source
modsecurity-crs`, 3.3.4). Of the rules that are on by default there, the cases that send an attack
are counted as found or missed, those that must not be taken for one as false alarms or not.
"""

import ipaddress
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from torana.message import Headers
from torana.waf.acl import compile_acl
from torana.waf.inspected import Inspected
from torana.waf.managed import MANAGED, managed
from torana.waf.rates import Rate

FAMILIES = {
    "930": "files of the server",
    "931": "inclusion of remote files",
    "932": "commands of a shell",
    "933": "PHP",
    "934": "Node.js",
    "941": "cross-site scripting",
    "942": "SQL injection",
    "944": "Java",
}


class World:
    """Nothing but the managed groups."""

    def ip_set(self, arn: str) -> Sequence[str]:
        raise KeyError(arn)

    regex_set = ip_set

    def window(self, name: str, seconds: float) -> Rate:
        return Rate(seconds)

    def country(self, address: str) -> str:
        return "" if ipaddress.ip_address(address).is_private else "US"

    def rule_group(self, arn: str) -> tuple[Sequence[Any], str, Mapping[str, Any]]:
        raise KeyError(arn)

    def managed(self, vendor: str, name: str) -> tuple[Sequence[Any], str, int]:
        return managed(vendor, name)


def acl(without: Sequence[str] = ()) -> Any:
    """A web ACL of every managed group; `without` rules that say nothing of an attack."""
    rules = [
        {
            "Name": name,
            "Priority": place,
            "Statement": {
                "ManagedRuleGroupStatement": {
                    "VendorName": "AWS",
                    "Name": name,
                    "RuleActionOverrides": [
                        {"Name": rule["Name"], "ActionToUse": {"Count": {}}}
                        for rule in group.rules
                        if rule["Name"] in without
                    ],
                }
            },
            "OverrideAction": {"None": {}},
        }
        for place, (name, group) in enumerate(MANAGED.items())
    ]
    document = {"ARN": "bench", "Name": "bench", "DefaultAction": {"Allow": {}}, "Rules": rules}
    return compile_acl(document, "awswaf:0:webacl:bench:", World())


_LEVEL = re.compile(r"id:(\d{6}).*?paranoia-level/(\d)", re.DOTALL)


def first_level(folder: Path) -> frozenset[str]:
    """The rules that the Core Rule Set has on by default: paranoia level 1."""
    found: set[str] = set()
    for path in (folder.parents[2] / "rules").glob("REQUEST-*.conf"):
        for rule in path.read_text().split("SecRule ")[1:]:
            match = _LEVEL.search(rule)
            if match is not None and match[2] == "1":
                found.add(match[1])
    return frozenset(found)


def cases(folder: Path) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    """Family, title, whether it is an attack, and the request."""
    wanted = first_level(folder.resolve())
    for path in sorted(folder.rglob("*.yaml")):
        family = path.stem[:3]
        if family not in FAMILIES or path.stem not in wanted:
            continue
        document = yaml.safe_load(path.read_bytes().decode("utf-8", "replace"))
        for test in document["tests"]:
            for stage in test["stages"]:
                inside = stage["stage"]
                output, asked = inside["output"], inside["input"]
                if "encoded_request" in asked or "raw_request" in asked:
                    continue
                if "log_contains" in output:
                    yield family, test["test_title"], True, asked
                elif "no_log_contains" in output:
                    yield family, test["test_title"], False, asked


def request(asked: Mapping[str, Any]) -> Inspected:
    path, _, query = str(asked.get("uri", "/")).partition("?")
    data = asked.get("data", "")
    body = "\r\n".join(data) if isinstance(data, list) else str(data or "")
    fields = [(str(k), str(v)) for k, v in (asked.get("headers") or {}).items()]
    method = str(asked.get("method", "GET"))
    encoded = body.encode("utf-8", "surrogateescape")
    return Inspected(method, path, query, Headers(fields), encoded, "192.0.2.1")


QUIET = (
    "NoUserAgent_HEADER",
    "UserAgent_BadBots_HEADER",
    "Host_localhost_HEADER",
    "SizeRestrictions_BODY",
    "SizeRestrictions_QUERYSTRING",
)


def main() -> None:
    found: Counter[tuple[str, bool, bool]] = Counter()
    judge = acl(QUIET)
    verbose = "-v" in sys.argv
    spent = 0.0
    for family, title, attack, asked in cases(Path(sys.argv[1])):
        seen = request(asked)
        started = time.perf_counter()
        verdict = judge.judge(seen)
        spent += time.perf_counter() - started
        blocked = verdict.action.kind == "Block"
        found[family, attack, blocked] += 1
        if verbose and blocked != attack:
            by = verdict.by and verdict.by.inner
            print(
                "MISS" if attack else f"FALSE {by}",
                title,
                seen.path[:80],
                seen.query[:160],
                seen.body[:160],
            )
    total = sum(found.values())
    print("| cases of the Core Rule Set | attacks found | harmless let through |\n|---|---|---|")
    for family, name in FAMILIES.items():
        hit, miss = found[family, True, True], found[family, True, False]
        quiet, loud = found[family, False, False], found[family, False, True]
        print(f"| {family} {name} | {hit} of {hit + miss} | {quiet} of {quiet + loud} |")
    hits = sum(n for (_, attack, blocked), n in found.items() if attack and blocked)
    attacks = sum(n for (_, attack, _), n in found.items() if attack)
    print(f"| all | {hits} of {attacks} ({hits / attacks:.0%}) | |")
    print(f"\n{spent / total * 1e6:.0f} us a request with every group")


if __name__ == "__main__":
    main()
