"""What is said when a schema asks for what no grammar can hold, and the budget that bounds the asking."""

from dataclasses import dataclass


class UnsupportedSchema(Exception):
    """`pointer`: a JSON pointer (RFC 6901) to the schema that holds `keyword`; "" is the whole document."""

    def __init__(self, pointer: str, keyword: str, reason: str) -> None:
        super().__init__(f"{pointer or '/'}: {keyword}: {reason}")
        self.pointer = pointer
        self.keyword = keyword
        self.reason = reason


class Unsaid(UnsupportedSchema):
    """Of what only keeps the branches of a oneOf apart: without it fewer values are taken, and none that is invalid."""


class Circular(UnsupportedSchema):
    """What a schema is depends on what it is, as far as it is computed yet."""


@dataclass(frozen=True, slots=True)
class Unsayable:
    """What asks for something that a grammar may not be able to hold, and whether it may be left out then."""

    pointer: str
    keyword: str
    is_apart: bool
    reason: str = ""

    def error(self, reason: str = "") -> UnsupportedSchema:
        kind = Unsaid if self.is_apart else UnsupportedSchema
        return kind(self.pointer, self.keyword, reason or self.reason)


class Budget:
    """Counts steps of a rewrite: the same schema is refused on every machine, however slow."""

    def __init__(self, num_steps: int, keyword: str, reason: str) -> None:
        self._num_left = num_steps
        self._keyword = keyword
        self._reason = reason

    def spend(self, num_steps: int = 1) -> None:
        """Raises UnsupportedSchema when the steps are used up."""
        self._num_left -= num_steps
        if self._num_left < 0:
            raise UnsupportedSchema("", self._keyword, self._reason)
