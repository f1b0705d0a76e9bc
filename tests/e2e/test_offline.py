"""At run time nothing leaves the machine: proved by the kernel, in a network namespace without a way out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.gguf
@pytest.mark.slow
def test_serving_and_chatting_never_reaches_for_another_machine(tmp_path: Path, default_model_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run(
        [
            *("unshare", "--net", "--map-root-user"),
            *(sys.executable, "-m", "tests.e2e.offline_run", str(tmp_path), str(default_model_path)),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["counted"], "the kernel does not count attempts: this test would prove nothing"
    assert seen["answer"]
    assert seen["attempts"] == 0
