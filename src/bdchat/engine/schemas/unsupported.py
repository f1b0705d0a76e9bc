"""What is said when a schema asks for what no grammar can hold, and the budget that bounds the asking."""


class UnsupportedSchema(Exception):
    """`pointer`: a JSON pointer (RFC 6901) to the schema that holds `keyword`; "" is the whole document."""

    def __init__(self, pointer: str, keyword: str, reason: str) -> None:
        super().__init__(f"{pointer or '/'}: {keyword}: {reason}")
        self.pointer = pointer
        self.keyword = keyword
        self.reason = reason


class Budget:
    """Counts steps of a rewrite: the same schema is refused on every machine, however slow."""

    def __init__(self, num_steps: int) -> None:
        self.num_left = num_steps

    def spend(self, num_steps: int = 1) -> None:
        """Raises UnsupportedSchema when the steps are used up."""
        self.num_left -= num_steps
        if self.num_left < 0:
            raise UnsupportedSchema(
                "", "$schema", "its alternatives multiply beyond what may be computed for a request"
            )
