from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.serving import ROOT, called, client, make_router, parts, serving


def error_of(failure: pytest.ExceptionInfo[ClientError]) -> tuple[str, str, int]:
    response: Any = failure.value.response
    return (
        response["Error"]["Code"],
        response["Error"]["Message"],
        response["ResponseMetadata"]["HTTPStatusCode"],
    )


async def test_sentiment_comes_back_through_boto3() -> None:
    async with serving(make_router().handle) as listener:
        comprehend = client("comprehend", listener.port)
        answer = await called(comprehend.detect_sentiment, Text="Great!!!!!!", LanguageCode="en")
        assert answer["Sentiment"] == "POSITIVE"
        assert set(answer["SentimentScore"]) == {"Positive", "Negative", "Neutral", "Mixed"}
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert len(answer["ResponseMetadata"]["RequestId"]) == 36


async def test_batches_keep_indexes_and_list_errors() -> None:
    async with serving(make_router().handle) as listener:
        comprehend = client("comprehend", listener.port)
        texts = ["calm", "é" * 2501, "wow!"]
        answer = await called(comprehend.batch_detect_sentiment, TextList=texts, LanguageCode="en")
        assert [each["Index"] for each in answer["ResultList"]] == [0, 2]
        assert answer["ErrorList"] == [
            {
                "Index": 1,
                "ErrorCode": "TEXT_SIZE_LIMIT_EXCEEDED",
                "ErrorMessage": "Input document size exceeds limit. Max length of request text "
                "allowed is 5000 bytes while in this request the text size is 5002 bytes",
            }
        ]


async def test_languages_come_back_best_first() -> None:
    async with serving(make_router().handle) as listener:
        comprehend = client("comprehend", listener.port)
        answer = await called(comprehend.detect_dominant_language, Text="élan")
        assert [each["LanguageCode"] for each in answer["Languages"]] == ["fr", "de"]
        batch = await called(comprehend.batch_detect_dominant_language, TextList=["plain", "élan"])
        assert [each["Languages"][0]["LanguageCode"] for each in batch["ResultList"]] == [
            "en",
            "fr",
        ]


async def test_a_long_text_is_refused_with_the_services_words() -> None:
    async with serving(make_router().handle) as listener:
        comprehend = client("comprehend", listener.port)
        with pytest.raises(ClientError) as failure:
            await called(comprehend.detect_sentiment, Text="é" * 2501, LanguageCode="en")
        assert error_of(failure) == (
            "TextSizeLimitExceededException",
            "Input text size exceeds limit. Max length of request text allowed is 5000 bytes "
            "while in this request the text size is 5002 bytes",
            400,
        )
        assert type(failure.value).__name__ == "TextSizeLimitExceededException"


async def test_twenty_six_documents_are_too_many() -> None:
    async with serving(make_router().handle) as listener:
        comprehend = client("comprehend", listener.port)
        with pytest.raises(ClientError) as failure:
            await called(comprehend.batch_detect_sentiment, TextList=["a"] * 26, LanguageCode="en")
        code, message, _ = error_of(failure)
        assert code == "BatchSizeLimitExceededException"
        assert "Maximum batch size is 25." in message


async def test_a_language_outside_the_enum_is_a_validation_error() -> None:
    async with serving(make_router().handle) as listener:
        comprehend = client("comprehend", listener.port)
        with pytest.raises(ClientError) as failure:
            await called(comprehend.detect_sentiment, Text="Hej", LanguageCode="sv")
        assert error_of(failure) == (
            "ValidationException",
            "1 validation error detected: Value 'sv' at 'languageCode' failed to satisfy "
            "constraint: Member must satisfy enum value set: "
            "[en, es, fr, de, it, pt, ar, hi, ja, ko, zh, zh-TW]",
            400,
        )


async def test_a_language_that_the_engine_lacks_is_unsupported() -> None:
    english = make_router(of=parts(languages=frozenset({"en"})))
    async with serving(english.handle) as listener:
        comprehend = client("comprehend", listener.port)
        with pytest.raises(ClientError) as failure:
            await called(comprehend.detect_sentiment, Text="Hallo", LanguageCode="de")
        assert error_of(failure)[0] == "UnsupportedLanguageException"


async def test_an_operation_that_is_not_there_is_unknown() -> None:
    async with serving(make_router().handle) as listener:
        comprehend = client("comprehend", listener.port)
        with pytest.raises(ClientError) as failure:
            await called(comprehend.list_flywheels)
        assert error_of(failure)[0] == "UnknownOperationException"


async def test_a_fault_is_logged_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(capability: str, items: Sequence[Any], timeout: float) -> list[Any]:
        raise RuntimeError("the secret inside")

    async with serving(make_router(of=parts(broken)).handle) as listener:
        comprehend = client("comprehend", listener.port)
        with pytest.raises(ClientError) as failure:
            await called(comprehend.detect_sentiment, Text="Hello", LanguageCode="en")
        code, message, status = error_of(failure)
        assert (code, status) == ("InternalServerException", 500)
        assert "secret" not in message
    assert "the secret inside" in caplog.text


async def test_a_wrong_secret_is_refused_in_each_protocol() -> None:
    async with serving(make_router().handle) as listener:
        with pytest.raises(ClientError) as failure:
            await called(
                client("comprehend", listener.port, secret="x").detect_dominant_language, Text="a"
            )
        assert error_of(failure)[0] == "InvalidSignatureException"
        with pytest.raises(ClientError) as failure:
            await called(client("sts", listener.port, secret="x").get_caller_identity)
        assert error_of(failure)[0] == "SignatureDoesNotMatch"
        assert error_of(failure)[2] == 403


async def test_an_unknown_key_is_refused_in_each_protocol() -> None:
    async with serving(make_router().handle) as listener:
        with pytest.raises(ClientError) as failure:
            await called(
                client("comprehend", listener.port, key="AKIDOTHER").detect_dominant_language,
                Text="a",
            )
        assert error_of(failure)[:2] == (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
        with pytest.raises(ClientError) as failure:
            await called(client("sts", listener.port, key="AKIDOTHER").get_caller_identity)
        assert error_of(failure)[0] == "InvalidClientTokenId"


async def test_sts_says_who_calls() -> None:
    async with serving(make_router().handle) as listener:
        answer = await called(client("sts", listener.port).get_caller_identity)
        assert answer["Arn"] == ROOT.principal.arn
        assert answer["Account"] == "000000000000"
        assert answer["UserId"] == "000000000000"


async def test_a_service_that_is_not_served_says_so() -> None:
    async with serving(make_router().handle) as listener:
        with pytest.raises(ClientError) as failure:
            await called(client("glue", listener.port).get_databases)
        assert error_of(failure)[0] == "UnknownOperationException"
