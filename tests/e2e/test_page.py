"""The page in a real browser: each spec of tests/e2e/page is one test here, and its own report is what a failure shows.

A spec has a server and a browser of its own and waits most of its time, so two run at once: the first test that asks
begins all that were selected.

pytest tests/e2e/test_page.py -k chat        one spec
BDCHAT_SCREENSHOTS=1 pytest … -k screenshots  writes docs/screenshots anew
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from bootstrap import ROOT, Place, cache_dir
from bootstrap_webui import Page, build, install_packages, ready_node

pytestmark = [pytest.mark.gguf, pytest.mark.slow]
SPECS = sorted(path.name.removesuffix(".spec.ts") for path in (Path(__file__).parent / "page").glob("*.spec.ts"))
NUM_AT_ONCE = 2
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


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest, node_environment: dict[str, str]) -> Iterator[dict[str, Future[str]]]:
    """Of each selected spec: what it printed if it failed, else nothing."""
    names = [item.callspec.params.get("spec") for item in request.session.items if hasattr(item, "callspec")]
    with ThreadPoolExecutor(NUM_AT_ONCE) as pool:
        yield {spec: pool.submit(_run, spec, node_environment) for spec in SPECS if spec in names}
        pool.shutdown(cancel_futures=True)


def _run(spec: str, environment: dict[str, str]) -> str:
    node = shutil.which("node", path=environment["PATH"])
    assert node
    command = [node, "node_modules/vitest/vitest.mjs", "run", "--config", "e2e.config.ts", f"{spec}.spec.ts"]
    ran = subprocess.run(  # our own argument list
        command, cwd=ROOT / "webui", env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    return f"{ran.stdout}\n{ran.stderr}" if ran.returncode else ""


@pytest.mark.parametrize("spec", SPECS)
def test_page(spec: str, reports: dict[str, Future[str]]) -> None:
    failure = reports[spec].result()
    assert not failure, failure


def test_there_are_specs() -> None:
    assert {"chat", "connection", "first-run", "korean", "people"} <= set(SPECS)
