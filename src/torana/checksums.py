"""Check digits of numbers that name a person, an account or a car."""

_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VERHOEFF_TURN = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def digits(text: str) -> str:
    """Only the ASCII digits."""
    return "".join(c for c in text if "0" <= c <= "9")


def luhn(text: str) -> bool:
    """Payment cards, Canadian social insurance numbers (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits(text))):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(text: str) -> bool:
    """A payment card: its first digit names a network, its length is right, Luhn holds."""
    number = digits(text)
    return number[:1] in tuple("23456") and 13 <= len(number) <= 19 and luhn(number)


def iban(text: str) -> bool:
    """International bank account numbers (ISO 13616)."""
    number = "".join(text.split()).upper()
    turned = "".join(str(int(c, 36)) for c in number[4:] + number[:4] if c.isalnum())
    return 15 <= len(number) <= 34 and int(turned or "0") % 97 == 1


def routing(text: str) -> bool:
    """American bank routing numbers (ABA)."""
    number = [int(d) for d in digits(text)]
    weighted = sum(n * w for n, w in zip(number, (3, 7, 1) * 3, strict=False))
    return len(number) == 9 and any(number) and weighted % 10 == 0


def vin(text: str) -> bool:
    """Vehicle identification numbers with the North American check digit (ISO 3779)."""
    number = text.upper()
    if len(number) != 17 or any(c in "IOQ" for c in number):
        return False
    values = (int(c if c.isdigit() else _VIN_VALUES[c]) for c in number)
    rest = sum(v * w for v, w in zip(values, _VIN_WEIGHTS, strict=True)) % 11
    return number[8] == ("X" if rest == 10 else str(rest))


def nhs(text: str) -> bool:
    """Numbers of Britain's National Health Service (modulus 11)."""
    number = [int(d) for d in digits(text)]
    if len(number) != 10:
        return False
    rest = 11 - sum(n * (10 - i) for i, n in enumerate(number[:9])) % 11
    return number[9] == (0 if rest == 11 else rest)


def aadhaar(text: str) -> bool:
    """Indian Aadhaar numbers (Verhoeff)."""
    number = digits(text)
    if len(number) != 12 or number[0] in "01":
        return False
    check = 0
    for place, digit in enumerate(reversed(number)):
        check = _dihedral(check, int(_VERHOEFF_TURN[place % 8][int(digit)]))
    return check == 0


def _dihedral(a: int, b: int) -> int:
    """Multiplication in the dihedral group of order ten."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def ssn(text: str) -> bool:
    """American social security numbers: no area 000, 666 or 9xx, no zero group or serial."""
    number = digits(text)
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def phone(text: str) -> bool:
    """As many digits as E.164 lets a number have, and no fewer than a full one."""
    return 10 <= len(digits(text)) <= 15
