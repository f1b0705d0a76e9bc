"""A set of JSON values by the six types of JSON: which of each are in it, as a union of forms."""

from dataclasses import dataclass, replace
from typing import Any

from ..unsupported import Budget
from .arrays import Arrays
from .numbers import Numbers
from .objects import Objects
from .strings import Strings, Texts

Form = Numbers | Strings | Arrays | Objects


@dataclass(frozen=True, slots=True)
class Shape:
    null: bool = False
    booleans: frozenset[bool] = frozenset()
    numbers: tuple[Numbers, ...] = ()
    strings: tuple[Strings, ...] = ()
    arrays: tuple[Arrays, ...] = ()
    objects: tuple[Objects, ...] = ()

    @property
    def is_everything(self) -> bool:
        return (
            self.null
            and len(self.booleans) == 2
            and Numbers() in self.numbers
            and Strings() in self.strings
            and Arrays() in self.arrays
            and any(form.is_free for form in self.objects)
        )

    @property
    def has_parts(self) -> bool:
        """Whether arrays or objects are in it."""
        return bool(self.arrays or self.objects)


NO_VALUE = Shape()
EVERY_VALUE = Shape(
    null=True,
    booleans=frozenset((False, True)),
    numbers=(Numbers(),),
    strings=(Strings(),),
    arrays=(Arrays(),),
    objects=(Objects(),),
)


class Shapes:
    """Intersection and union. The number of pairs that are compared is what makes a schema expensive: it is counted."""

    def __init__(self, texts: Texts, budget: Budget) -> None:
        self._texts = texts
        self._budget = budget

    def meet(self, one: Shape, other: Shape) -> Shape:
        if one is EVERY_VALUE or other is EVERY_VALUE:
            return other if one is EVERY_VALUE else one
        return Shape(
            null=one.null and other.null,
            booleans=one.booleans & other.booleans,
            numbers=self._pairs(one.numbers, other.numbers),
            strings=self._pairs(one.strings, other.strings),
            arrays=self._pairs(one.arrays, other.arrays),
            objects=self._pairs(one.objects, other.objects),
        )

    def narrowed(self, shape: Shape, form: Form | None) -> Shape:
        """With only those of the form's type that are in the form."""
        if form is None:
            return shape
        slot = slot_of(form)
        return replace(shape, **{slot: self._pairs(getattr(shape, slot), (form,))})  # type: ignore[arg-type]

    def _pairs(self, ones: tuple[Any, ...], others: tuple[Any, ...]) -> tuple[Any, ...]:
        found: dict[Any, None] = {}
        for one in ones:
            for other in others:
                self._budget.spend()
                met = self._texts.meet(one, other) if isinstance(one, Strings) else one.meet(other)
                if met is not None:
                    found[met] = None
        return tuple(found)


def union(shapes: list[Shape]) -> Shape:
    if any(shape is EVERY_VALUE for shape in shapes):
        return EVERY_VALUE
    if len(shapes) == 1:
        return shapes[0]
    return Shape(
        null=any(shape.null for shape in shapes),
        booleans=frozenset().union(*(shape.booleans for shape in shapes)),
        numbers=_joined([shape.numbers for shape in shapes], Numbers()),
        strings=_strings([shape.strings for shape in shapes]),
        arrays=_joined([shape.arrays for shape in shapes], Arrays()),
        objects=tuple(dict.fromkeys(form for shape in shapes for form in shape.objects)),
    )


def slot_of(form: Form) -> str:
    match form:
        case Numbers():
            return "numbers"
        case Strings():
            return "strings"
        case Arrays():
            return "arrays"
        case _:
            return "objects"


def of(form: Form | None) -> Shape:
    """The values of one form, and of no other type."""
    return NO_VALUE if form is None else Shape(**{slot_of(form): (form,)})  # type: ignore[arg-type]


def _joined(groups: list[tuple[Any, ...]], free: object) -> tuple[Any, ...]:
    joined = tuple(dict.fromkeys(form for group in groups for form in group))
    return (free,) if free in joined else joined


def _strings(groups: list[tuple[Strings, ...]]) -> tuple[Strings, ...]:
    """Lists of texts that are bound by nothing else become one list."""
    joined = _joined(list(groups), Strings())
    lists = [
        form for form in joined if form.texts is not None and form == Strings(texts=form.texts, pointer=form.pointer)
    ]
    if len(lists) < 2:
        return joined
    texts = tuple(dict.fromkeys(text for form in lists for text in form.texts or ()))
    return (Strings(texts=texts), *(form for form in joined if form not in lists))
