"""Every reason that the server gives a name has words on the page."""

import ast
import re
from pathlib import Path
from typing import get_args

from bdchat.api.auth.passwords import Weakness

ROOT = Path(__file__).parents[1]
REFUSALS = {"Conflict", "Forbidden", "InvalidRequest", "MalformedBody", "NotAllowed", "invalid"}


def named_reasons() -> set[str]:
    """All literal `code=` of a refusal in the source."""
    found: set[str] = set(get_args(Weakness))
    for path in sorted((ROOT / "src" / "bdchat").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
                codes = [word.value for word in node.keywords if word.arg == "code"]
                found |= {str(code.value) for code in codes if isinstance(code, ast.Constant)}
    return found


def test_the_page_has_words_for_every_named_reason() -> None:
    source = (ROOT / "webui" / "src" / "ui" / "use-error-text.ts").read_text("utf-8")
    known = set(re.findall(r"^  (\w+): \"", source, re.MULTILINE))
    reasons = named_reasons()
    assert {"still_writing", "username_form", "password_obvious", "invitation_over"} <= reasons
    assert reasons <= known
