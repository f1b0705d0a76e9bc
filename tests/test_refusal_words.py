"""Every reason that the server gives a name has words on the page; each says what to do about it, in both languages."""

import ast
import re
from typing import get_args

import pytest

from bdchat.api.auth.passwords import Weakness
from bdchat.api.http.errors import HTTP_CODES, TABLE, UNEXPECTED
from bdchat.reading.reasons import REASONS
from tests.refusal_texts import GENERAL, LANGUAGES, ROOT, Language, keys_by_code, texts

REFUSALS = {"Conflict", "Forbidden", "InvalidRequest", "MalformedBody", "NotAllowed", "invalid"}
# What the page refuses by itself, and what long jobs end with.
OF_THE_PAGE = (
    *("error.offline", "error.refused", "error.field", "error.server", "error.unknown", "error.noPageText"),
    *("line.signedOut", "line.outdated", "chat.goneText", "temporary.leaveText"),
    *("writing.noModel", "writing.noModelAdmin", "writing.modelGone", "writing.modelGoneOthers"),
    *("writing.modelFailed", "writing.tooLong.message", "writing.tooLong.chat", "writing.files.picture"),
    *("writing.files.binary",),
)
OF_JOBS = re.compile(
    r"admin\.pulls\.faults\.|documents\.(?:reasons|picture|emptyFile)|import\.reasons\.(?:no_json|zip_|too_much_work|too_many_chats|quota_exceeded|disk_full"
    r"|storage|server_error|unreadable|other_version)"
)
OF_PROGRAMS = {"previous_response_not_found"}  # of a wire that no page speaks
NOTHING_TO_DO = {"error.endedByAdmin", "sharing.isOwner"}
NOTHING_LOST = {  # where one may fear for what was written
    *("error.diskFull", "error.store", "error.server", "error.answerFailed", "error.quarantined", "error.busy"),
    *(
        "error.endedByAdmin",
        "error.noEngine",
        "line.broken",
        "error.faultText",
        "import.stopped",
        "import.reasons.disk_full",
    ),
    *("import.reasons.storage", "admin.pulls.faults.interrupted"),
}
SAFE = {"ko": r"그대로|남아 있|남습니다|보관했다가|저장되어 있", "en": r"\bsafe\b|\bkept\b|Nothing is lost"}
ADVICE = {
    "ko": r"주세요",
    "en": (
        r"\b(?:[Tt]ry|[Aa]sk|[Cc]hoose|[Ee]nter|[Cc]heck|[Ww]ait|[Dd]elete|[Ss]horten|[Uu]se|[Rr]eload|[Rr]egenerate|[Rr]evoke"
        r"|[Rr]emove|[Ss]end|[Oo]pen|[Uu]nload|[Ee]xport|[Ii]mport|[Pp]ause|[Mm]ake|[Bb]ack it up|[Ff]ree up|[Aa]ccept"
        r"|[Cc]hange|[Pp]ut|[Ll]et|[Ss]tart|[Uu]npack|[Ll]oad|[Aa]ttach|[Ss]ave it|[Ii]nstall|[Ss]et|[Tt]urn"
        r"|[Uu]pload|[Ss]plit|nothing to do|no need)\b"
    ),
}
# Names that are written so in Korean too.
LATIN = re.compile(
    r"JSON|ZIP|PDF|OCR|HTML|ID|GGUF|Hugging|Face|HF_TOKEN|HF_HUB_OFFLINE|PostgreSQL|pg_dump|engine|n_ctx|MiB|MB|kB|bdchat|QR"
    r"|hf|OWNER|REPO|FILE|gguf|pypi|NAME|VERSION|https|PyPI"
)


def named_reasons() -> set[str]:
    """All literal `code=` of a refusal in the source."""
    found: set[str] = set(get_args(Weakness))
    for path in sorted((ROOT / "src" / "bdchat").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
                codes = [word.value for word in node.keywords if word.arg == "code"]
                found |= {str(code.value) for code in codes if isinstance(code, ast.Constant)}
    return found


def refusals() -> set[str]:
    """The keys of all sentences that refuse."""
    of_jobs = {key for key in texts("en") if OF_JOBS.match(key)}
    return set(keys_by_code().values()) | of_jobs | set(OF_THE_PAGE)


def test_the_page_has_words_for_every_named_reason() -> None:
    reasons = named_reasons()
    assert {"still_writing", "username_form", "password_obvious", "invitation_over", "read_only"} <= reasons
    assert reasons - GENERAL - OF_PROGRAMS <= set(keys_by_code())


def test_the_page_has_words_for_every_kind_of_error() -> None:
    codes = {row.code for _, row in TABLE} | {UNEXPECTED.code} | set(HTTP_CODES.values())
    assert {code for code in codes if code is not None} - GENERAL <= set(keys_by_code())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_says_what_to_do_in_the_readers_language(language: Language) -> None:
    said = texts(language)
    keys = refusals()
    assert len(keys) > 80
    assert [key for key in keys if key not in said] == []
    silent = [said[key] for key in keys - NOTHING_TO_DO if not re.search(ADVICE[language], said[key])]
    assert silent == []
    assert [said[key] for key in NOTHING_LOST if not re.search(SAFE[language], said[key])] == []
    if language == "ko":
        words = {
            word for key in keys for word in re.findall(r"[A-Za-z][A-Za-z_]*", re.sub(r"\{\{\w+\}\}", "", said[key]))
        }
        assert {word for word in words if not LATIN.fullmatch(word)} == set()
    else:
        raw = [
            said[key]
            for key in keys
            if re.search(r"[a-z]+_[a-z]+", re.sub(r"\{\{\w+\}\}|engine\.n_ctx|pg_dump", "", said[key]))
        ]
        assert raw == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_why_a_document_could_not_be_read(language: Language) -> None:
    said = {key.removeprefix("documents.reasons.") for key in texts(language) if key.startswith("documents.reasons.")}
    assert said == {*REASONS, "other"}
    known = (ROOT / "webui" / "src" / "features" / "documents" / "document-state.tsx").read_text("utf-8")
    assert [code for code in REASONS if f'"{code}"' not in known] == []
