"""What data protection finds in events: the service's data identifiers that are known here, and
one's own patterns.

Source: CloudWatch Logs User Guide, "Types of data that you can protect".
"""

# pyright: basic

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import re2

from torana.personal.find import by_pattern

Find = Callable[[str], Iterator[tuple[int, int]]]
"""Begin and end of everything that an identifier finds."""

ARN = "arn:aws:dataprotection::aws:data-identifier/"
_TYPES: Mapping[str, str] = {
    "Address": "ADDRESS",
    "AwsSecretKey": "AWS_SECRET_KEY",
    "BankAccountNumber-DE": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "BankAccountNumber-ES": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "BankAccountNumber-FR": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "BankAccountNumber-GB": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "BankAccountNumber-IT": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "BankAccountNumber-US": "BANK_ACCOUNT_NUMBER",
    "CreditCardExpiration": "CREDIT_DEBIT_EXPIRY",
    "CreditCardNumber": "CREDIT_DEBIT_NUMBER",
    "CreditCardSecurityCode": "CREDIT_DEBIT_CVV",
    "DriversLicense-GB": "DRIVER_ID",
    "DriversLicense-US": "DRIVER_ID",
    "EmailAddress": "EMAIL",
    "IndividualTaxIdentificationNumber-US": "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    "IpAddress": "IP_ADDRESS",
    "NationalInsuranceNumber-GB": "UK_NATIONAL_INSURANCE_NUMBER",
    "NhsNumber-GB": "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
    "PassportNumber-CA": "PASSPORT_NUMBER",
    "PassportNumber-GB": "PASSPORT_NUMBER",
    "PassportNumber-US": "PASSPORT_NUMBER",
    "PhoneNumber-DE": "PHONE",
    "PhoneNumber-ES": "PHONE",
    "PhoneNumber-FR": "PHONE",
    "PhoneNumber-GB": "PHONE",
    "PhoneNumber-IT": "PHONE",
    "PhoneNumber-US": "PHONE",
    "Ssn-US": "SSN",
    "VehicleIdentificationNumber": "VEHICLE_IDENTIFICATION_NUMBER",
}


def _key(label: str) -> str:
    body = r"[A-Za-z0-9+/=\s:,\\-]{0,16000}?"
    return rf"-----BEGIN {label}-----(?:{body}-----END {label}-----|[A-Za-z0-9+/=\s\\]{{0,16000}})"


_KEYS: Mapping[str, str] = {
    "OpenSshPrivateKey": _key("OPENSSH PRIVATE KEY"),
    "PgpPrivateKey": _key("PGP PRIVATE KEY BLOCK"),
    "PkcsPrivateKey": _key("(?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY"),
    "PuttyPrivateKey": r"PuTTY-User-Key-File-\d:[\s\S]{0,16000}",
}
KNOWN = frozenset({*_TYPES, *_KEYS})
"""The service's own that are found here."""


def managed(name: str) -> Find:
    """One of `KNOWN`."""
    if name in _KEYS:
        pattern = re.compile(_KEYS[name])
        return lambda text: (each.span() for each in pattern.finditer(text))
    types = (_TYPES[name],)
    return lambda text: ((each.begin, each.end) for each in by_pattern(text, types))


def own(pattern: str) -> Find:
    """A pattern of one's own, on RE2. Raises `ValueError`."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 22
    try:
        made = re2.compile(pattern, options=options)
    except re2.error as error:
        raise ValueError(str(error)) from None

    def find(text: str) -> Iterator[tuple[int, int]]:
        for each in made.finditer(text):
            begin, end = int(each.start()), int(each.end())
            if end > begin:
                yield begin, end

    return find


def masked(text: str, found: Sequence[tuple[int, int]]) -> str:
    """A text with asterisks over what was found."""
    if not found:
        return text
    chars = [*text]
    for begin, end in found:
        chars[begin:end] = "*" * (end - begin)
    return "".join(chars)
