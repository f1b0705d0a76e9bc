"""Every deed that the server records in the audit log has words on the page."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
KINDS = "login|logout|register|password|user|key|model|backup|storage|audit|invitation|generation|document|collection"
DEED = re.compile(rf"(?:{KINDS})(?:\.[a-z_]+)*")


def recorded_deeds() -> set[str]:
    """All literal actions in calls that record one."""
    found: set[str] = set()
    for path in sorted((ROOT / "src" / "bdchat").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "record" in node.func.attr:
                words = [each for part in node.args for each in ast.walk(part) if isinstance(each, ast.Constant)]
                found |= {str(each.value) for each in words if DEED.fullmatch(str(each.value))}
    return found - {"user"}  # a role in a detail


def test_the_page_has_words_for_every_deed_that_is_recorded() -> None:
    """`user.quota` and `{"quota_bytes":1000000}` stood in a Korean page."""
    source = (ROOT / "webui" / "src" / "features" / "admin" / "audit" / "actions.ts").read_text("utf-8")
    known = set(re.findall(r"^  \"?([a-z._]+)\"?: \"", source, re.MULTILINE))
    deeds = recorded_deeds()
    assert {"user.quota", "user.enable", "login.failed", "model.pull.cancel", "audit.export"} <= deeds
    assert deeds <= known, deeds - known
