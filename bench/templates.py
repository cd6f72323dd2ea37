"""Mapping templates beside airspeed-ext, the interpreter of LocalStack, in one run.

`pip install airspeed-ext && python -m bench.templates`. Each template is compiled (parsed) once and
rendered with the same values; CPU time of this process, best of the rounds. Both get the body as a
value, `$in`: reading JSON is not the template engine's work.
"""

import importlib.metadata
import time
from collections.abc import Callable
from typing import Any

import airspeed

from torana.vtl import compile

ROUNDS, SECONDS = 20, 0.1

BODY = {
    "id": 17,
    "customer": {"name": "Ada Lovelace", "mail": "ada@example.org"},
    "text": "Colorless green ideas sleep furiously.",
    "items": [{"sku": f"A{i}", "count": i, "price": i * 1.5} for i in range(20)],
}

TEMPLATES = {
    "a field of the body": '{"Text": "$in.text", "LanguageCode": "en"}',
    "fields, conditions and stage variables": """#set($name = $in.customer.name)
{
  "id": $in.id,
#if($in.customer.mail && $in.customer.mail != '')
  "mail": "$in.customer.mail",
#else
  "mail": null,
#end
  "name": "$name ($name.length())",
  "stage": "$stageVariables.name", "ip": "$context.identity.sourceIp"
}
""",
    "all parameters of the request": """{
#foreach($type in $params.keySet())
  #set($some = $params.get($type))
  "$type": {
  #foreach($name in $some.keySet())
    "$name": "$some.get($name)"#if($foreach.hasNext),#end
  #end
  }#if($foreach.hasNext),#end
#end
}
""",
    "a list of twenty items": """{"lines": [
#foreach($item in $in.items)
  {"sku": "$item.sku", "count": $item.count, "place": $foreach.index}#if($foreach.hasNext),#end
#end
], "total": $in.items.size()}
""",
    "a macro for every item": """#macro(line $item)
{"sku": "$item.sku", "count": $item.count}#end
[#foreach($item in $in.items)#line($item)#if($foreach.hasNext),#end#end]
""",
}
VALUES: dict[str, Any] = {
    "in": BODY,
    "params": {
        "path": {"id": "17"},
        "querystring": {"page": "2", "sort": "name"},
        "header": {"accept": "application/json", "user-agent": "bench", "x-request": "1"},
    },
    "context": {"identity": {"sourceIp": "1.2.3.4"}, "stage": "prod"},
    "stageVariables": {"name": "prod"},
}


def ours(source: str) -> Callable[[], str]:
    template = compile(source)
    return lambda: template.render(VALUES)


def theirs(source: str) -> Callable[[], str]:
    template = airspeed.Template(source)
    return lambda: template.merge(dict(VALUES))


def microseconds(*renders: Callable[[], str]) -> list[float]:
    """CPU time of one rendering each, in turns so that the machine's moods strike all alike."""
    best = [float("inf")] * len(renders)
    for _ in range(ROUNDS):
        for place, render in enumerate(renders):
            count, began = 0, time.process_time()
            while (spent := time.process_time() - began) < SECONDS:
                for _ in range(10):
                    render()
                count += 10
            best[place] = min(best[place], spent / count)
    return [each * 1e6 for each in best]


def main() -> None:
    version = importlib.metadata.version("airspeed-ext")
    print(f"| template | Torana | airspeed-ext {version} | ratio |\n|---|---|---|---|")
    for what, source in TEMPLATES.items():
        mine, other = ours(source), theirs(source)
        if "".join(mine().split()) != "".join(other().split()):
            raise SystemExit(f"{what}: not the same output\n{mine()}\n{other()}")
        a, b = microseconds(mine, other)
        print(f"| {what} | {a:.1f} µs | {b:.0f} µs | {b / a:.0f}x |", flush=True)


if __name__ == "__main__":
    main()
