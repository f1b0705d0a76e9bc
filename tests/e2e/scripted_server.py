"""`bdchat serve` with an engine that says a known text at a known pace: for measuring what the page makes of it.

python -m tests.e2e.scripted_server --port 0 --data-dir DIR [--num-tokens 5000] [--tokens-per-s 100]
"""

import argparse
import asyncio
import os
import random
import re
import sys
import time
from pathlib import Path

from bdchat.api.server import serve
from bdchat.settings import load
from tests.fake_engine import FakeEngine, fake_router

# What models write: paragraphs in two languages, lists, a table, code, emphasis, formulas.
SECTION = """## Part {n}: how the tide answers the moon

The sea rises and falls **twice a day**, because the moon pulls the near side *more* than the far side. The pull falls
with distance, $F = G m_1 m_2 / r^2$, and the `difference` is what lifts the water. A harbour's shape decides the rest.

밀물과 썰물은 달과 해의 인력 때문에 생깁니다. **조석(潮汐)**은 하루에 두 번 일어나고, 높이는 만의 모양에 달려 있습니다.

- The moon passes, and the water follows about {n} minutes later
- Where a bay narrows, the same water *must* climb
- 서해안의 조차는 9미터에 이릅니다
  1. first the channel fills
  2. then the flats

| Harbour | High water | Range (m) |
|---|---:|---:|
| Incheon | 04:{n:02d} | 8.6 |
| Saint-Malo | 06:12 | 12.{n} |
| Bay of Fundy | 11:47 | 14.5 |

```python
def height(t: float, parts: list[tuple[float, float, float]]) -> float:
    \"\"\"Metres over the mean, part {n}.\"\"\"
    return sum(a * math.cos(w * t + phase) for a, w, phase in parts)  # each a cosine
```

> Time and tide wait for no man, as the saying of part {n} goes.

"""
PIECE = re.compile(r"\s*\S{1,5}|\s+")


def answer_pieces(num_tokens: int) -> list[str]:
    """As many pieces of text, each about as long as a token."""
    text = "".join(SECTION.format(n=n) for n in range(1, num_tokens // 200 + 2))
    return PIECE.findall(text)[:num_tokens]


def own_pieces(num_tokens: int) -> list[str]:
    """Letters that no other process says in these places: an answer that goes on after a crash is another one from
    there, as it may be where answers are computed side by side."""
    rng = random.Random(os.getpid())
    return ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=5)) for _ in range(num_tokens)]


class Pace:
    """Waits before each piece, so that they come evenly also where a sleep takes longer than it should."""

    def __init__(self, tokens_per_s: float) -> None:
        self._interval_s = 1 / tokens_per_s
        self._next_at = 0.0

    async def __call__(self) -> None:
        now = time.monotonic()
        self._next_at = max(self._next_at + self._interval_s, now - 0.1)
        await asyncio.sleep(max(0.0, self._next_at - now))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", default="0")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--num-tokens", type=int, default=5000)
    parser.add_argument("--tokens-per-s", type=float, default=100.0)
    parser.add_argument("--says-its-own", action="store_true", help="letters that no other process says")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    options = parser.parse_args()
    pairs = [setting.partition("=") for setting in options.set]
    overrides = {key: value for key, _, value in pairs} | {"server.port": options.port, "models.default": "scripted"}
    pieces = own_pieces(options.num_tokens) if options.says_its_own else answer_pieces(options.num_tokens)

    def make_router(_: object) -> object:
        return fake_router(
            FakeEngine("scripted", pieces=pieces, n_ctx=10_000_000, token_gate=Pace(options.tokens_per_s))
        )

    return serve(load(data_dir=options.data_dir, overrides=overrides), make_router)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
