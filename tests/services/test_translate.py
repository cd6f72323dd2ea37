"""Translate with Apertium, through boto3. Without its packages only the refusals can be tried."""

import shutil
from collections.abc import Generator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.running import services

apertium = pytest.mark.skipif(
    shutil.which("apertium") is None, reason="apt-get install apertium apertium-eng-spa transfuse"
)


@pytest.fixture(scope="module")
def translate(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    with services(tmp_path_factory.mktemp("translate")) as clients:
        yield clients("translate")


def said(translate: Any, text: str, source: str = "en", target: str = "es", **more: Any) -> Any:
    return translate.translate_text(
        Text=text, SourceLanguageCode=source, TargetLanguageCode=target, **more
    )


def error_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    response: Any = failure.value.response
    return response["Error"]["Code"]


@apertium
def test_a_text_is_translated_and_keeps_its_lines(translate: Any) -> None:
    answer = said(translate, "The red house.\n\nThe green garden. [x]")
    assert answer["TranslatedText"] == "La casa roja.\n\nEl jardín verde. [x]"
    assert (answer["SourceLanguageCode"], answer["TargetLanguageCode"]) == ("en", "es")


@apertium
def test_a_pronoun_that_falls_away_leaves_no_space(translate: Any) -> None:
    assert said(translate, "I love this city.")["TranslatedText"] == "Quiero esta ciudad."


@apertium
def test_the_language_is_found_when_it_is_not_told(translate: Any) -> None:
    answer = said(translate, "¿Dónde está la biblioteca de la ciudad?", "auto", "en")
    assert answer["SourceLanguageCode"] == "es"
    assert "library" in answer["TranslatedText"]


@apertium
def test_terms_are_translated_as_the_terminology_says(translate: Any) -> None:
    table = "en,es,fr\nGarden Pro,Jardín Profesional,Jardin Pro\nhouse,mansión,manoir\n"
    data = {"File": table.encode(), "Format": "CSV"}
    made = translate.import_terminology(
        Name="shop", MergeStrategy="OVERWRITE", TerminologyData=data
    )
    assert made["TerminologyProperties"]["TermCount"] == 2
    answer = said(translate, "The Garden Pro is in the house.", TerminologyNames=["shop"])
    assert "Jardín Profesional" in answer["TranslatedText"]
    assert "mansión" in answer["TranslatedText"]
    assert answer["AppliedTerminologies"] == [
        {
            "Name": "shop",
            "Terms": [
                {"SourceText": "Garden Pro", "TargetText": "Jardín Profesional"},
                {"SourceText": "house", "TargetText": "mansión"},
            ],
        }
    ]
    assert translate.get_terminology(Name="shop")["TerminologyProperties"]["Name"] == "shop"
    translate.delete_terminology(Name="shop")
    with pytest.raises(ClientError) as failure:
        said(translate, "house", TerminologyNames=["shop"])
    assert error_of(failure) == "ResourceNotFoundException"


@apertium
def test_documents_keep_their_tags(translate: Any) -> None:
    answer = translate.translate_document(
        Document={"Content": b"<p>The <b>red</b> house</p>", "ContentType": "text/html"},
        SourceLanguageCode="en",
        TargetLanguageCode="es",
    )
    content = answer["TranslatedDocument"]["Content"].decode()
    assert content.replace("\n", "") == "<p>La casa <b>roja</b></p>"


def test_pairs_that_the_engine_lacks_are_refused(translate: Any) -> None:
    with pytest.raises(ClientError, match="en to ja") as failure:
        said(translate, "Hello", target="ja")
    assert error_of(failure) == "UnsupportedLanguagePairException"
    response: Any = failure.value.response
    assert response["TargetLanguageCode"] == "ja"


def test_what_cannot_be_heeded_is_refused(translate: Any) -> None:
    for more, code in (
        ({"Settings": {"Formality": "FORMAL"}}, "InvalidRequestException"),
        ({"text": "é" * 5_001}, "TextSizeLimitExceededException"),
        ({"text": "12 34", "source": "auto"}, "DetectedLanguageLowConfidenceException"),
    ):
        with pytest.raises(ClientError) as failure:
            given: dict[str, Any] = {"text": "Hello", **more}
            said(translate, **given)
        assert error_of(failure) == code


def test_the_same_language_is_given_back(translate: Any) -> None:
    assert said(translate, "Hello", "en", "en")["TranslatedText"] == "Hello"


def test_languages_are_those_of_the_pairs(translate: Any) -> None:
    from torana.engines.translation import MODES

    listed = {each["LanguageCode"] for each in translate.list_languages()["Languages"]}
    in_pairs = {code for pair in MODES for code in listed if pair.startswith(f"{code}-")}
    assert {"en", "es", "auto"} <= listed
    assert in_pairs == listed - {"auto"}
