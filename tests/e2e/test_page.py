"""The page in a real browser: each spec of tests/e2e/page is one test here, and its own report is what a failure shows.

pytest tests/e2e/test_page.py -k chat        one spec
BDCHAT_SCREENSHOTS=1 pytest … -k screenshots  writes docs/screenshots anew
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import ROOT, Place, cache_dir
from bootstrap_webui import Page, build, install_packages, ready_node

pytestmark = [pytest.mark.gguf, pytest.mark.slow]
SPECS = sorted(path.name.removesuffix(".spec.ts") for path in (Path(__file__).parent / "page").glob("*.spec.ts"))
LONGEST_S = 900  # a spec takes some ten seconds; a machine that does other things meanwhile is slower


@pytest.fixture(scope="module")
def node_environment(default_model_path: Path) -> dict[str, str]:
    """Where node, the browser and the model are; the page is built from the sources as they are now."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.fail("there is no Chromium: scripts/test as root installs it, or apt-get install chromium")
    page = Page(Place(ROOT, cache_dir(os.environ)))
    build(page, os.environ)
    node = ready_node(page, os.environ)
    install_packages(page, node)
    named = {
        "BDCHAT_TEST_MODEL": str(default_model_path),
        "BDCHAT_TEST_PYTHON": sys.executable,
        "BDCHAT_TEST_CHROMIUM": chromium,
        "NO_COLOR": "1",
    }
    return node.environment(os.environ) | named


@pytest.mark.parametrize("spec", SPECS)
def test_page(spec: str, node_environment: dict[str, str]) -> None:
    webui = ROOT / "webui"
    node = shutil.which("node", path=node_environment["PATH"])
    assert node
    command = [node, "node_modules/vitest/vitest.mjs", "run", "--config", "e2e.config.ts", f"{spec}.spec.ts"]
    ran = subprocess.run(  # our own argument list
        command, cwd=webui, env=node_environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"


def test_there_are_specs() -> None:
    assert {"chat", "connection", "first-run", "korean", "people"} <= set(SPECS)
