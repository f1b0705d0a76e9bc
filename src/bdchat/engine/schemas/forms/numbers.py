"""Sets of numbers: an interval, integers or not, multiples of one number and of none of some others."""

import math
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

from ..unsupported import Unsayable

Number = int | float

CLOSE = 1e-9  # to a bound that is not reached itself: nearer numbers are not told
MAX_LISTED = 64  # integers of an interval that are listed when no interval can say which


@dataclass(frozen=True, slots=True)
class Numbers:
    low: Number | None = None
    low_open: bool = False
    high: Number | None = None
    high_open: bool = False
    integer: bool | None = None  # False: only those with a fraction
    multiple: Fraction | None = None
    no_multiples: tuple[Fraction, ...] = ()
    unsayable: Unsayable | None = None  # what asks for fractions, or denies multiples

    @classmethod
    def only(cls, value: Number) -> "Numbers":
        return cls(low=value, high=value)

    def meet(self, other: "Numbers") -> "Numbers | None":
        """None: nothing is in both."""
        if None not in (self.integer, other.integer) and self.integer is not other.integer:
            return None
        low, low_open = _tighter((self.low, self.low_open), (other.low, other.low_open), highest=True)
        high, high_open = _tighter((self.high, self.high_open), (other.high, other.high_open), highest=False)
        met = Numbers(
            low=low,
            low_open=low_open,
            high=high,
            high_open=high_open,
            integer=other.integer if self.integer is None else self.integer,
            multiple=_common_multiple(self.multiple, other.multiple),
            no_multiples=tuple(dict.fromkeys(self.no_multiples + other.no_multiples)),
            unsayable=self._asking(other),
        )
        return None if met.is_empty else met

    def _asking(self, other: "Numbers") -> Unsayable | None:
        """Of two, the one that may not be left out."""
        both = [each.unsayable for each in (self, other) if each.unsayable is not None]
        return min(both, key=lambda each: each.is_apart, default=None)

    @property
    def is_empty(self) -> bool:
        if self.low is not None and self.high is not None:
            if self.low > self.high or (self.low == self.high and (self.low_open or self.high_open)):
                return True
            if self.low == self.high:
                return not self._holds(exact(self.low))
        step = self._step
        if step is None:
            return False
        if self.integer is False and step.denominator == 1:
            return True
        return any((step / each).denominator == 1 for each in self.no_multiples) or self._listed() == []

    def shown(self) -> dict[str, object] | list[Number] | None:
        """As keywords of a schema, or the list of them; None: neither can say it."""
        if self.low is not None and self.low == self.high:
            return [self.low]
        if self.no_multiples or self.integer is False:
            return self._listed()
        shown: dict[str, object] = {"type": "integer" if self.integer else "number"}
        if self.low is not None:
            shown["exclusiveMinimum" if self.low_open else "minimum"] = self.low
        if self.high is not None:
            shown["exclusiveMaximum" if self.high_open else "maximum"] = self.high
        if self.multiple is not None and not (self.integer and self.multiple == 1):
            shown["multipleOf"] = told(self.multiple)
        return shown

    @property
    def parts(self) -> "list[Numbers]":
        """Whose union it is, and each of which means to the compiler what it means here.

        llguidance 1.9.1 takes 1 for a number above 1 where the other bound is 1.5, and not 1.2 for one up to 1.25.
        """
        low, high = self.low, self.high
        if self.integer or low == high:
            return [self]
        whole = self
        if low is not None and high is not None:
            if self.low_open and 0 <= low == math.floor(high) and low + CLOSE < high:
                whole = replace(whole, low=low + CLOSE, low_open=False)
            if self.high_open and 0 >= high == math.ceil(low) and high - CLOSE > low:
                whole = replace(whole, high=high - CLOSE, high_open=False)
        shorter = [
            replace(whole, high=each, high_open=False) for each in _shortened(high) if high is not None and high > 0
        ]
        shorter += [replace(whole, low=each, low_open=False) for each in _shortened(low) if low is not None and low < 0]
        return [whole, *(each for each in shorter if not each.is_empty)]

    @property
    def _step(self) -> Fraction | None:
        """All of these numbers are multiples of it."""
        return _common_multiple(self.multiple, Fraction(1) if self.integer else None)

    def _steps(self, step: Fraction) -> tuple[int, int]:
        assert self.low is not None
        assert self.high is not None
        first, last = math.ceil(exact(self.low) / step), math.floor(exact(self.high) / step)
        first += self.low_open and step * first == exact(self.low)
        last -= self.high_open and step * last == exact(self.high)
        return first, last

    def _holds(self, value: Fraction) -> bool:
        """Of a value within the bounds."""
        if self.integer is not None and (value.denominator == 1) is not self.integer:
            return False
        if self.multiple is not None and (value / self.multiple).denominator != 1:
            return False
        return all((value / each).denominator != 1 for each in self.no_multiples)

    def _listed(self) -> list[Number] | None:
        step = self._step
        if step is None or self.low is None or self.high is None:
            return None
        first, last = self._steps(step)
        if last - first >= MAX_LISTED:
            return None
        return [told(step * each) for each in range(first, last + 1) if self._holds(step * each)]


def _shortened(bound: Number | None) -> list[Number]:
    """Nearer to 0, with fewer decimals, but some."""
    if not isinstance(bound, float):
        return []
    decimal = Decimal(repr(bound))
    num_decimals = -int(decimal.as_tuple().exponent)
    return [float(decimal.quantize(Decimal(1).scaleb(-kept), ROUND_DOWN)) for kept in range(1, min(num_decimals, 17))]


def without(numbers: Numbers, value: Number) -> list[Numbers]:
    """The numbers below and above it."""
    parts = (Numbers(high=value, high_open=True), Numbers(low=value, low_open=True))
    return [met for part in parts if (met := numbers.meet(part)) is not None]


def exact(value: Number) -> Fraction:
    """As the decimal that is written: 0.1 is a tenth."""
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


def told(value: Fraction) -> Number:
    return value.numerator if value.denominator == 1 else float(value)


def asserting(keyword: str, value: Number) -> Numbers:
    match keyword:
        case "minimum":
            return Numbers(low=value)
        case "exclusiveMinimum":
            return Numbers(low=value, low_open=True)
        case "maximum":
            return Numbers(high=value)
        case "exclusiveMaximum":
            return Numbers(high=value, high_open=True)
        case _:
            return Numbers(multiple=abs(exact(value)))


def denying(keyword: str, value: Number, unsayable: Unsayable) -> Numbers:
    match keyword:
        case "minimum":
            return Numbers(high=value, high_open=True)
        case "exclusiveMinimum":
            return Numbers(high=value)
        case "maximum":
            return Numbers(low=value, low_open=True)
        case "exclusiveMaximum":
            return Numbers(low=value)
        case _:
            return Numbers(no_multiples=(abs(exact(value)),), unsayable=unsayable)


def _tighter(
    one: tuple[Number | None, bool], other: tuple[Number | None, bool], *, highest: bool
) -> tuple[Number | None, bool]:
    if one[0] is None or other[0] is None:
        return other if one[0] is None else one
    if one[0] == other[0]:
        return one[0], one[1] or other[1]
    return one if (one[0] > other[0]) is highest else other


def _common_multiple(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    if one is None or other is None:
        return other if one is None else one
    return Fraction(math.lcm(one.numerator, other.numerator), math.gcd(one.denominator, other.denominator))
