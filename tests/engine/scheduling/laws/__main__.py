"""Plays histories and says which break a law, each as small as it gets.

python -m tests.engine.scheduling.laws --seed 42               one, as small as it gets where it breaks a law
python -m tests.engine.scheduling.laws --num-histories 20000   from --seed on; the last line is a summary in JSON
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence

from tests.engine.scheduling.laws.drawing import draw
from tests.engine.scheduling.laws.reporting import report
from tests.engine.scheduling.laws.shrinking import fault_of

MAX_REPORTS = 10  # of one fault the first; shrinking takes seconds


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the first history (0)")
    parser.add_argument("--num-histories", type=int, default=1)
    options = parser.parse_args(argv)
    began = time.process_time()
    broken: dict[str, list[int]] = {}
    for seed in range(options.seed, options.seed + options.num_histories):
        fault = fault_of(draw(seed))
        if fault is not None:
            broken.setdefault(fault, []).append(seed)
    cpu_s = time.process_time() - began
    for seeds in list(broken.values())[:MAX_REPORTS]:
        sys.stdout.write(report(seeds[0]) + "\n\n")
    counts = {fault: len(seeds) for fault, seeds in broken.items()}
    summary = {"num_histories": options.num_histories, "cpu_s": round(cpu_s, 2), "broken": counts}
    sys.stdout.write(json.dumps(summary) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
