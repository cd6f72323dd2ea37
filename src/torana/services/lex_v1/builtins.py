"""Lex V1's own slot types, and what they are here.

Source: Lex V1 Developer Guide, "Built-in Intents and Slot Types".
"""

from collections.abc import Mapping

from torana.services.lex.builtins import slot_types

LOCALES = (
    *("de-DE", "en-AU", "en-GB", "en-IN", "en-US", "es-419", "es-ES", "es-US", "fr-CA", "fr-FR"),
    *("it-IT", "ja-JP", "ko-KR"),
)
SLOT_TYPES: Mapping[str, str] = {
    "AMAZON.AlphaNumeric": "AMAZON.AlphaNumeric",
    "AMAZON.City": "AMAZON.City",
    "AMAZON.Country": "AMAZON.Country",
    "AMAZON.DATE": "AMAZON.Date",
    "AMAZON.DURATION": "AMAZON.Duration",
    "AMAZON.EUROPE_CITY": "AMAZON.City",
    "AMAZON.EmailAddress": "AMAZON.EmailAddress",
    "AMAZON.FOUR_DIGIT_NUMBER": "AMAZON.Number",
    "AMAZON.FirstName": "AMAZON.FirstName",
    "AMAZON.LastName": "AMAZON.LastName",
    "AMAZON.NUMBER": "AMAZON.Number",
    "AMAZON.Percentage": "AMAZON.Percentage",
    "AMAZON.PhoneNumber": "AMAZON.PhoneNumber",
    "AMAZON.StreetName": "AMAZON.StreetName",
    "AMAZON.TIME": "AMAZON.Time",
    "AMAZON.US_CITY": "AMAZON.City",
    "AMAZON.US_FIRST_NAME": "AMAZON.FirstName",
    "AMAZON.US_LAST_NAME": "AMAZON.LastName",
    "AMAZON.US_STATE": "AMAZON.State",
}
"""Each as Lex V2 calls it."""


def locales_of(name: str) -> list[str]:
    """Where a slot type is understood here; of anything else, English."""
    kind = SLOT_TYPES.get(name)
    if kind is None:
        return [each for each in LOCALES if each.startswith("en")]
    return [each for each in LOCALES if kind in slot_types(each.replace("-", "_"))]
