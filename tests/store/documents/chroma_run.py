"""Run by test_vectors in a process of its own, in a network namespace without a way out: fills an index of vectors for
ever, and says when it has begun. Arguments: the database's folder, the index's folder."""

import asyncio
import sys
from pathlib import Path

import numpy

from bdchat.settings import StoreSettings
from bdchat.settings.documents import ChromaSettings
from bdchat.store.documents.vectors import VectorIndex
from bdchat.store.sql.database import Database

_UNWANTED = ("posthog", "onnxruntime", "kubernetes")


async def main() -> None:
    async with Database(StoreSettings(), Path(sys.argv[1])) as database:
        index = VectorIndex(Path(sys.argv[2]), ChromaSettings(), database)
        await index.reconcile("e")
        rng = numpy.random.default_rng(1)
        number = 1000
        while True:
            rows = [(number + at, "x", rng.standard_normal(2)) for at in range(50)]
            await index.add(rows)
            number += 50
            if number == 1200:
                found = await index.query(rows[0][2], ["x"], 1)
                unwanted = [name for name in _UNWANTED if name in sys.modules]
                sys.stdout.write(f"{found[0][0]} {','.join(unwanted)}\n")
                sys.stdout.flush()


asyncio.run(main())
