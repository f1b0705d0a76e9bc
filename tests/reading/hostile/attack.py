"""One hostile file: how it is made, and what its reading must end with."""

from collections.abc import Callable
from dataclasses import dataclass

# Of every run: small enough that a bomb need not be large. The rest is as a server has it.
SETTINGS = {"unpacked_bytes": 48 << 20, "text_bytes": 16 << 20, "page_timeout_s": 10, "file_timeout_s": 60}
READ = ""  # what is hostile in it is left alone, and the rest is read


@dataclass(frozen=True)
class Attack:
    """`code`: of reasons.py, or READ; several where the machine's speed decides. `secret`: must not be in the text that
    is read. `is_sample`: of those that each run of the tests reads. `is_sparse`: a hole of 1 GB follows the bytes."""

    name: str
    code: str | tuple[str, ...]
    make: Callable[[], bytes]
    file_name: str = "file"
    secret: str = ""
    is_sample: bool = False
    is_sparse: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        return (self.code,) if isinstance(self.code, str) else self.code


SECRET = "root:x:0"


def wrong_entities() -> str:
    return '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def laughs() -> str:
    """10 to the 9th of a word."""
    entities = ['<!ENTITY x0 "hahaha">']
    entities += [f'<!ENTITY x{level} "{f"&x{level - 1};" * 10}">' for level in range(1, 10)]
    return f'<!DOCTYPE d [{"".join(entities)}<!ENTITY x "&x9;">]>'
