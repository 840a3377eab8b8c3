"""A displayed number, read exactly with the market's own decimal sign, and written back without an exponent."""

from __future__ import annotations

import re
from decimal import Decimal

# Digits with inner signs; a group after a space has exactly three digits ("1 202.70"), so that "4 131" of two fields stays two numbers
# only where the first field has more than three digits or the second not three.
NUMBER = r"(?:\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,'\u2019]\d+)*|(?<![\d.,])\.\d+)"
_MAXIMUM_DIGITS = 28  # more is no number anyone displays; within the precision of Decimal
_GROUPED = {sign: re.compile(rf"[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+") for sign in ".,"}
_FLOAT_NOISE = re.compile(r"(?:0{5,}|9{5,})\d{1,2}$")  # what binary floating point leaves: 3.1096000000000004, 5.299999999999999
_NOISE_DIGITS = 15  # significant digits a double carries without noise


def parse_decimal(text: str, decimal: str = ".") -> Decimal | None:
    """The value of a displayed number; `decimal` is the market's sign, "." or ",".

    Where the text itself leaves no doubt it is believed: both signs (the last is the decimal one), a sign that comes twice (groups),
    a leading zero or a group of other than three digits (decimal). None where no reading fits, such as "1,00,000" or "1.2.3".
    """
    bare = re.sub(r"[ '\u2019\u00a0\u202f]", "", text)
    if len(bare) > _MAXIMUM_DIGITS or not re.fullmatch(r"[0-9.,]*[0-9]", bare):
        return None
    group = "," if decimal == "." else "."
    if "." in bare and "," in bare:
        decimal = max(".,", key=bare.rfind)
        group = "," if decimal == "." else "."
        whole, _, fraction = bare.rpartition(decimal)
        if not _GROUPED[group].fullmatch(whole):
            return None
        return Decimal(f"{whole.replace(group, '')}.{fraction}")
    for sign in (group, decimal):  # at most one of them is there
        if bare.count(sign) > 1 or (sign == group and _GROUPED[sign].fullmatch(bare)):
            return Decimal(bare.replace(sign, "")) if _GROUPED[sign].fullmatch(bare) else None
    return Decimal(bare.replace(",", "."))


def drop_float_noise(value: Decimal) -> Decimal:
    """The number that binary floating point was meant to print: 3.1096000000000004 is 3.1096; others are returned as they are."""
    digits = "".join(map(str, value.as_tuple().digits))
    exponent = value.as_tuple().exponent
    noise = _FLOAT_NOISE.search(digits)
    if noise is None or len(digits) < _NOISE_DIGITS or not isinstance(exponent, int) or len(digits) - noise.start() > -exponent:
        return value
    kept = -exponent - (len(digits) - noise.start())
    return value.quantize(Decimal(1).scaleb(-kept))


def canonical(value: Decimal, *, strip: bool = False) -> str:
    """Plain digits without an exponent; displayed decimals are kept unless `strip`."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if strip and "." in text else text
