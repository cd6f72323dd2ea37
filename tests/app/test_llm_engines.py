"""The embedded engines behind OpenAI's API, through its official client."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from tests.services.apigateway.making import gateway
from torana.llm_settings import Llm, LlmKey, LlmModel, LlmProvider, LlmTarget

MODELS = ("multilingual-e5-small", "piper-joe", "polly", "tox-block", "whisper-tiny.en")


def llm() -> Llm:
    return Llm(
        providers={"own": LlmProvider("torana")},
        models={name: LlmModel((LlmTarget("own", name),), retries=0) for name in MODELS},
        keys={"dev": LlmKey(secret="sk-dev")},
    )


async def test_what_is_spoken_is_understood_and_texts_are_compared(tmp_path: Path) -> None:
    async with gateway(tmp_path, llm=llm()) as running:
        url = f"{running.door}/v1"
        await asyncio.to_thread(_ask, OpenAI(base_url=url, api_key="sk-dev", max_retries=0))


def _ask(openai: OpenAI) -> None:
    say: Any = openai.audio.speech.create
    hear: Any = openai.audio.transcriptions.create
    text = "The quick brown fox jumps over the lazy dog."
    wav = say(model="piper-joe", voice="joe", input=text, response_format="wav").content
    assert wav[:4] == b"RIFF"
    heard = hear(model="whisper-tiny.en", file=("fox.wav", wav))
    assert "brown fox jumps over the lazy dog" in heard.text
    lines = hear(model="whisper-tiny.en", file=("fox.wav", wav), response_format="vtt")
    assert lines.startswith("WEBVTT\n\n00:00:0")
    mp3 = say(model="polly", voice="Hans", input="Guten Tag").content
    assert len(mp3) > 1000
    for wrong, why in (
        ({"voice": "alloy", "input": "x"}, "Invalid 'voice'"),
        ({"voice": "Hans", "input": "x", "response_format": "flac"}, "Invalid 'response_format'"),
    ):
        with pytest.raises(BadRequestError, match=why):
            say(model="polly", **wrong)
    with pytest.raises(BadRequestError, match="Invalid 'file'"):
        hear(model="whisper-tiny.en", file=("x.wav", b"no sound at all"))
    texts = ["How do I change my password?", "Resetting a forgotten password", "A sunny day"]
    found = openai.embeddings.create(model="multilingual-e5-small", input=texts)
    first, second, third = (each.embedding for each in found.data)
    assert len(first) == 384
    assert _alike(first, second) > _alike(first, third) + 0.05
    assert found.usage.prompt_tokens > 15
    plain = openai.embeddings.create(
        model="multilingual-e5-small", input=texts[0], encoding_format="float"
    )
    assert _alike(plain.data[0].embedding, first) == pytest.approx(1.0, abs=1e-5)
    friendly, rude = openai.moderations.create(
        model="tox-block", input=["Good morning!", "You worthless idiot."]
    ).results
    assert (friendly.flagged, rude.flagged) == (False, True)
    assert rude.categories.harassment
    assert rude.category_scores.hate < 0.3
    assert rude.categories.sexual is None
    with pytest.raises(NotFoundError):
        openai.embeddings.create(model="piper-joe", input="x")


def _alike(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
