"""Topics for guardrails: learned at first use, from the examples of a rule."""

import asyncio
from collections.abc import Mapping, Sequence

from torana.engines.topic_model import TopicModel
from torana.llm.errors import LlmError
from torana.llm.judges import Scores
from torana.llm.semantic import Embed


def topical(embed: Embed, topics: Mapping[str, Sequence[str]]) -> Scores:
    """How likely a text is of each topic. Raises `LlmError` when the engine cannot tell."""
    learned: list[TopicModel] = []
    learning = asyncio.Lock()

    async def row_of(text: str) -> Sequence[float]:
        row = await embed(text)
        if row is None:
            raise LlmError("overloaded", "the guardrail's engine is busy: try again")
        return row

    async def score(text: str) -> Mapping[str, float]:
        async with learning:
            if not learned:
                rows = {
                    name: [await row_of(each) for each in texts] for name, texts in topics.items()
                }
                learned.append(await asyncio.to_thread(TopicModel, rows))
        return learned[0].likelihoods(await row_of(text))

    return score
