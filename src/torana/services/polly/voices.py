"""Amazon Polly's voices that are spoken here, and what speaks them.

The names are Polly's, so that clients need not change; the voices behind them are not Amazon's.
"""

from msgspec import Struct

from torana.wire.faults import ServiceError


class Voice(Struct, frozen=True):
    """A row."""

    id: str
    gender: str
    language: str
    speaker: str
    """As the speech engine names it."""
    engines: tuple[str, ...] = ("standard",)

    @property
    def neural(self) -> bool:
        """Whether a neural network speaks it."""
        return "neural" in self.engines


LANGUAGES = {
    "arb": "Arabic",
    "ca-ES": "Catalan",
    "cmn-CN": "Chinese Mandarin",
    "cs-CZ": "Czech",
    "cy-GB": "Welsh",
    "da-DK": "Danish",
    "de-DE": "German",
    "en-AU": "Australian English",
    "en-GB": "British English",
    "en-GB-WLS": "Welsh English",
    "en-IN": "Indian English",
    "en-US": "US English",
    "es-ES": "Castilian Spanish",
    "es-MX": "Mexican Spanish",
    "es-US": "US Spanish",
    "fi-FI": "Finnish",
    "fr-BE": "Belgian French",
    "fr-CA": "Canadian French",
    "fr-FR": "French",
    "hi-IN": "Hindi",
    "is-IS": "Icelandic",
    "it-IT": "Italian",
    "ko-KR": "Korean",
    "nb-NO": "Norwegian",
    "nl-NL": "Dutch",
    "pl-PL": "Polish",
    "pt-BR": "Brazilian Portuguese",
    "pt-PT": "Portuguese",
    "ro-RO": "Romanian",
    "ru-RU": "Russian",
    "sv-SE": "Swedish",
    "tr-TR": "Turkish",
}

_FORMANT = """
arb ar Zeina/F
ca-ES ca Arlet/F
cmn-CN cmn Zhiyu/F
cs-CZ cs Jitka/F
cy-GB cy Gwyneth/F
da-DK da Naja/F Mads/M
de-DE de Marlene/F Vicki/F Hans/M
en-AU en-gb-x-rp Nicole/F Russell/M
en-GB en-gb-x-rp Amy/F Emma/F Brian/M
en-GB-WLS en-gb-x-rp Geraint/M
en-IN en-gb-x-rp Raveena/F
en-US en-us Joanna/F Kendra/F Kimberly/F Salli/F Ivy/F Joey/M Justin/M
es-ES es Conchita/F Lucia/F Enrique/M
es-MX es-419 Mia/F
es-US es-419 Lupe/F Penelope/F Miguel/M
fi-FI fi Suvi/F
fr-BE fr-be Isabelle/F
fr-CA fr Chantal/F
fr-FR fr Celine/F Lea/F Mathieu/M
hi-IN hi Aditi/F
is-IS is Dora/F Karl/M
it-IT it Carla/F Bianca/F Giorgio/M
ko-KR ko Seoyeon/F
nb-NO nb Liv/F
nl-NL nl Lotte/F Ruben/M
pl-PL pl Ewa/F Maja/F Jacek/M Jan/M
pt-BR pt-br Camila/F Vitoria/F Ricardo/M
pt-PT pt Ines/F Cristiano/M
ro-RO ro Carmen/F
ru-RU ru Tatyana/F Maxim/M
sv-SE sv Astrid/F
tr-TR tr Filiz/F
"""
"""Language, eSpeak NG's voice, and who speaks with it."""


def _rows() -> dict[str, Voice]:
    found = {
        "Matthew": Voice("Matthew", "Male", "en-US", "piper:joe", ("neural", "standard")),
    }
    for line in _FORMANT.split("\n"):
        language, *rest = line.split() or ("",)
        variants = {"F": 1, "M": 1}
        for who in rest[1:]:
            name, _, sex = who.partition("/")
            # The variants f1 to f4 and m1 to m4 differ in pitch and colour.
            speaker = f"espeak:{rest[0]}+{sex.lower()}{variants[sex]}"
            variants[sex] = variants[sex] % 4 + 1
            found[name] = Voice(name, "Female" if sex == "F" else "Male", language, speaker)
    return found


VOICES = _rows()


def voice(id: str, engine: str | None, language: str | None) -> Voice:
    """The voice that is meant. Raises `ServiceError` when it is not spoken here."""
    found = VOICES.get(id)
    if found is None:
        text = f"The voice {id} is not embedded. Voices: {', '.join(sorted(VOICES))}"
        raise ServiceError("ValidationException", text, status=400)
    if engine is not None and engine not in found.engines:
        raise ServiceError(
            "EngineNotSupportedException",
            f"This voice does not support the selected engine: {engine}. Supported: "
            f"{', '.join(found.engines)}",
        )
    if language is not None and language != found.language:
        text = f"The voice {id} does not speak {language}; it speaks {found.language}"
        raise ServiceError("LanguageNotSupportedException", text)
    return found


def described(found: Voice) -> dict[str, object]:
    """As DescribeVoices shows it."""
    return {
        "Id": found.id,
        "Name": found.id,
        "Gender": found.gender,
        "LanguageCode": found.language,
        "LanguageName": LANGUAGES[found.language],
        "SupportedEngines": list(found.engines),
    }
