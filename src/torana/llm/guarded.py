"""Answers of models whose guardrails judge them as a whole: nothing goes out before they have.

A client that wants a stream gets the judged answer as one.
"""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import structs

from torana.llm import chat as c
from torana.llm.account import Account
from torana.llm.call import Answered, Asked
from torana.llm.guard import Guard, SchemaRule
from torana.llm.judges import answered_texts, blocked, events_of, judged
from torana.llm.output import value_of
from torana.llm.prompts import repaired
from torana.llm.reply import stream_type
from torana.message import Headers, Reply

Again = Callable[[c.Chat], Awaitable[tuple[Answered, Account]]]
"""Asks once more. Raises `LlmError`."""


async def judged_reply(
    asked: Asked, answered: Answered, account: Account, guard: Guard, again: Again, stream: bool
) -> Reply:
    """Raises `LlmError` for an answer that may not pass; it is paid for."""
    turn = 0
    while True:
        assert answered.answer is not None
        account.settle(answered.answer.usage, 0)
        answer = guard.answer(answered.answer)
        await judged(guard.judges, answered_texts(answer), "output")
        rule = guard.schema
        if rule is None or any(isinstance(part, c.ToolUse) for part in answer.parts):
            break
        mended, wrong = _mended(answer, rule)
        if not wrong:
            answer = mended
            break
        if turn == rule.repairs:
            raise blocked(rule.guardrail, "schema", "output", rule.message, wrong)
        turn += 1
        answered, account = await again(repaired(asked.chat(), _text(answer), wrong))
    target = answered.target
    fields = [("x-torana-provider", target.provider.name), ("x-torana-model", target.model)]
    front = asked.front
    if not stream:
        body = front.write(answer, asked.chat(), account.seconds())
        return Reply(200, Headers([*fields, ("Content-Type", "application/json")]), body)
    writer = front.writer(structs.replace(asked.chat(), stream=True))
    body = b"".join(writer.write(event) for event in events_of(answer)) + writer.end()
    fields.append(("Content-Type", stream_type(front)))
    return Reply(200, Headers([*fields, ("Cache-Control", "no-cache")]), body)


def _text(answer: c.Answer) -> str:
    return "".join(part.text for part in answer.parts if isinstance(part, c.Text))


def _mended(answer: c.Answer, rule: SchemaRule) -> tuple[c.Answer, str]:
    """The answer as the JSON that it is, and what is wrong with it; empty: nothing."""
    text = _text(answer)
    value = value_of(text)
    wrong = rule.check(value)
    if wrong:
        return answer, wrong
    words = c.Text(msgspec.json.encode(value).decode())
    rest = tuple(part for part in answer.parts if not isinstance(part, c.Text))
    return structs.replace(answer, parts=(*rest, words)), ""
