"""Writes which characters of names look like which, from Unicode's confusables as the locked package has them.

    .venv/bin/python scripts/confusables.py [--check]

src/bdchat/store/accounts/confusables.txt: a line per prototype, a tab, and the characters that look like it, sorted.
Only what a name can hold is in it: letters and digits that NFKC leaves alone, of scripts that are in use: an eighth of
the whole.
--check writes nothing and fails when the file is not what would be written.
"""

import argparse
import json
import sys
import unicodedata
from importlib.resources import files
from pathlib import Path

from bdchat.store.accounts.lookalikes import is_in_use

TABLE = Path(__file__).resolve().parent.parent / "src" / "bdchat" / "store" / "accounts" / "confusables.txt"
Pairs = dict[str, list[str]]


def table() -> str:
    pairs = _pairs()
    looks_like: dict[str, list[str]] = {}
    for char in sorted(pairs):
        if len(char) == 1 and char.isalnum() and unicodedata.normalize("NFKC", char) == char and is_in_use(char):
            prototype = _prototype(char, pairs)
            if prototype != char:
                looks_like.setdefault(prototype, []).append(char)
    return "".join(f"{prototype}\t{''.join(looks_like[prototype])}\n" for prototype in sorted(looks_like))


def _pairs() -> Pairs:
    """The package has each pair both ways, with marks of direction around what is written from the right."""
    raw = json.loads(files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8"))
    return {_plain(char): [_plain(other["c"]) for other in others] for char, others in raw.items()}


def _plain(text: str) -> str:
    return text.strip("\u200e\u200f")


def _prototype(char: str, pairs: Pairs) -> str:
    """Unicode's list names one prototype for each character, and prototypes have none. So what has several partners is
    a prototype, as is what is longer than a character; of a pair that has only each other either will do."""
    others = pairs[char]
    if len(others) != 1:
        return char
    (other,) = others
    if len(other) > 1 or len(pairs[other]) > 1:
        return other
    return min(char, other)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is out of date")
    wanted = table()
    if not parser.parse_args().check:
        TABLE.write_text(wanted, "utf-8")
    elif TABLE.read_text("utf-8") != wanted:
        sys.stderr.write("confusables.txt is out of date → run .venv/bin/python scripts/confusables.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
