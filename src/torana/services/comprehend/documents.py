"""How long, how many and in which languages texts may be.

Source: Comprehend API Reference, and "Guidelines and quotas" of its Developer Guide.
"""

from collections.abc import Sequence
from typing import Any

from torana.wire.faults import ServiceError

SHORT = 5_000
"""Bytes of UTF-8: the service's 5 KB."""
LONG = 100_000
"""The service's 100 KB."""
SEGMENT = 1_000
"""The service's 1 KB of a segment of DetectToxicContent."""
MOST_DOCUMENTS, MOST_SEGMENTS = 25, 10

Params = dict[str, Any]


def _size_message(size: int, what: str, most: int) -> str:
    return (
        f"Input {what} size exceeds limit. Max length of request text allowed is {most} "
        f"bytes while in this request the text size is {size} bytes"
    )


def check_size(text: str, most: int) -> None:
    """Raises the service's error for a text over `most` bytes."""
    size = len(text.encode())
    if size > most:
        raise ServiceError("TextSizeLimitExceededException", _size_message(size, "text", most))


def check_count(texts: Sequence[str]) -> None:
    """Raises the service's error for more documents than a batch may hold."""
    if len(texts) > MOST_DOCUMENTS:
        raise ServiceError(
            "BatchSizeLimitExceededException",
            "Please use a smaller number of items in a single batch. Maximum batch size is "
            f"{MOST_DOCUMENTS}.",
        )


def check_language(code: str, languages: frozenset[str]) -> None:
    """Raises the service's error for a language outside `languages`; empty: any will do."""
    if languages and code not in languages:
        raise ServiceError(
            "UnsupportedLanguageException",
            f"Unsupported language code: {code}. Supported language codes: "
            f"{', '.join(sorted(languages))}",
        )


def sort_out(texts: Sequence[str]) -> tuple[list[int], list[Params]]:
    """The indexes of the texts that fit in a batch, and the errors of those that do not."""
    fitting: list[int] = []
    errors: list[Params] = []
    for index, text in enumerate(texts):
        size = len(text.encode())
        if size <= SHORT:
            fitting.append(index)
        else:
            errors.append(
                {
                    "Index": index,
                    "ErrorCode": "TEXT_SIZE_LIMIT_EXCEEDED",
                    "ErrorMessage": _size_message(size, "document", SHORT),
                }
            )
    return fitting, errors
