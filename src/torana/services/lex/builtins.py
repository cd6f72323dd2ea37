"""Lex's own locales, intents and slot types, as far as they are understood here.

Source: Lex V2 Developer Guide, "Supported languages and locales", "Built-in intents" and "Built-in
slot types".
"""

from collections.abc import Mapping

from torana.services.lex.book import invalid

LOCALES: Mapping[str, str] = {
    "ar_AE": "Gulf Arabic (United Arab Emirates)",
    "ca_ES": "Catalan (Spain)",
    "de_AT": "German (Austria)",
    "de_DE": "German (Germany)",
    "en_AU": "English (Australia)",
    "en_GB": "English (UK)",
    "en_IN": "English (India)",
    "en_US": "English (US)",
    "en_ZA": "English (South Africa)",
    "es_419": "Spanish (LATAM)",
    "es_ES": "Spanish (Spain)",
    "es_US": "Spanish (US)",
    "fi_FI": "Finnish (Finland)",
    "fr_CA": "French (Canada)",
    "fr_FR": "French (France)",
    "hi_IN": "Hindi (India)",
    "it_IT": "Italian (Italy)",
    "ja_JP": "Japanese (Japan)",
    "ko_KR": "Korean (South Korea)",
    "nl_NL": "Dutch (Netherlands)",
    "no_NO": "Norwegian (Norway)",
    "pl_PL": "Polish (Poland)",
    "pt_BR": "Portuguese (Brazil)",
    "pt_PT": "Portuguese (Portugal)",
    "sv_SE": "Swedish (Sweden)",
    "zh_CN": "Mandarin (China)",
    "zh_HK": "Cantonese (HK)",
}

INTENTS: Mapping[str, tuple[str, ...]] = {
    "AMAZON.CancelIntent": ("cancel", "never mind", "forget it", "cancel that", "forget about it"),
    "AMAZON.FallbackIntent": (),
    "AMAZON.HelpIntent": ("help", "help me", "can you help me", "what can you do", "I need help"),
    "AMAZON.PauseIntent": ("pause", "pause that", "hold on", "wait a moment"),
    "AMAZON.RepeatIntent": ("repeat", "say that again", "repeat that", "what did you say"),
    "AMAZON.ResumeIntent": ("resume", "continue", "keep going", "go on"),
    "AMAZON.StartOverIntent": ("start over", "restart", "start again", "begin again"),
    "AMAZON.StopIntent": ("stop", "off", "shut up", "stop that", "quit"),
}
"""With what they answer to, in English."""

SLOT_TYPES: Mapping[str, str] = {
    "AMAZON.AlphaNumeric": "Recognizes words made up of letters and numbers",
    "AMAZON.City": "Recognizes names of cities",
    "AMAZON.Confirmation": "Recognizes yes and no, and words that mean so",
    "AMAZON.Country": "Recognizes names of countries",
    "AMAZON.Date": "Recognizes words that represent dates and converts them to a standard format",
    "AMAZON.Duration": "Recognizes words that represent durations",
    "AMAZON.EmailAddress": "Recognizes words that represent an email address",
    "AMAZON.FirstName": "Recognizes first names",
    "AMAZON.FreeFormInput": "Recognizes whatever is said",
    "AMAZON.LastName": "Recognizes last names",
    "AMAZON.Number": "Recognizes numeric words and converts them into digits",
    "AMAZON.Percentage": "Recognizes words that represent percentages",
    "AMAZON.PhoneNumber": "Recognizes words that represent a phone number",
    "AMAZON.State": "Recognizes names of states",
    "AMAZON.StreetName": "Recognizes names of streets",
    "AMAZON.Time": "Recognizes words that represent times",
}
_ANYWHERE = frozenset({"AlphaNumeric", "FreeFormInput", "EmailAddress"})
_NUMBERS = frozenset({"Number", "Date", "Time", "Duration", "Percentage", "PhoneNumber"})


def slot_types(locale: str) -> list[str]:
    """Those that are understood in the language of a locale."""
    language = locale[:2]
    if language == "en":
        return list(SLOT_TYPES)
    known = _ANYWHERE | _NUMBERS if language in ("es", "fr") else _ANYWHERE
    return [name for name in SLOT_TYPES if name.removeprefix("AMAZON.") in known]


def known_intent(name: str, locale: str) -> None:
    """Raises the service's error for a parent that cannot be one here."""
    if name not in INTENTS:
        raise invalid(f"The built-in intent {name} is not supported here")
    if INTENTS[name] and not locale.startswith("en"):
        raise invalid(f"The built-in intent {name} is not understood here in {locale}")
