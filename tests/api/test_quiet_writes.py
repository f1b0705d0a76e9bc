"""Who writes to the store without telling it, and why: whatever else changes a row goes through `Writes`, which tells.

Read from the source of every module of api/: a new one that goes past `Writes` fails until it has its line.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.test_architecture import SOURCE, modules

WHEN_OPENED = "what it changes is read when somebody opens it"
AUDIT = "a line of the audit log, which is read when somebody opens it"
TELLER = "told by ProgressTeller, at most twice a second"
LEASES = "leases: which server answers is shown nowhere"

QUIET = {
    "api/bus/writes.py Writes.run": "this is the one that tells",
    # sessions
    "api/chats/messages.py Messages.fork": "told by Writes.run_job, after its last transaction",
    "api/chats/sessions.py Sessions.delete": "what was told as deleted is erased",
    "api/chats/import_run.py ImportRun._put": "told by and by, many chats in one message",
    "api/chats/invitations.py Invitations.decline": "that somebody declined is told to nobody",
    "api/chats/sharing.py Sharing.withdraw": WHEN_OPENED,
    "api/chats/sharing.py Sharing.create_link": WHEN_OPENED,
    # documents: what changes of one is told by its teller, at most twice a second
    "api/chats/import_run.py ImportRun.run": "files that came along: told when they are read",
    "api/documents/contents.py content_response": "it reads a file's parts",
    "api/documents/embedding.py Embedding.embed_some": TELLER,
    "api/documents/ingestion.py Ingestion._next": "told with the first page",
    "api/documents/ingestion.py Ingestion._purge_half_uploads": "nobody saw them",
    "api/documents/ingestion.py Ingestion._renew": LEASES,
    "api/documents/ingestion.py Ingestion.aclose": LEASES,
    "api/documents/ingestion.py Ingestion.start": LEASES,
    "api/documents/parts.py DocumentParts.purge": "what was told as deleted is erased",
    "api/documents/reading_run.py ReadingRun._copied": "it reads a file's parts",
    "api/documents/reading_run.py ReadingRun._fail": TELLER,
    "api/documents/reading_run.py ReadingRun._take": TELLER,
    "api/documents/uploads.py Intake.take": "told by Writes.run, after its last part",
    # answers
    "api/durable/recorder.py Recorder.flush": "the run itself tells each event, when anybody listens",
    "api/durable/recovery.py Recovery.renew": LEASES,
    "api/durable/recovery.py Recovery._take": LEASES,
    "api/durable/runs.py RecordedRuns.aclose": LEASES,
    "api/durable/runs.py RecordedRuns._write_end": "withdraws an answer outside chats, which nobody saw",
    "api/generation/usage_ledger.py UsageLedger.flush": "sums of use, every few seconds",
    "api/openai/stored_completions.py StoredCompletions.change": "OpenAI's metadata: no page shows it",
    "api/openai/stored_completions.py StoredCompletions.delete": "OpenAI's stored completions: no page shows them",
    "api/responses/stored_responses.py StoredResponses._begin": "old responses make room: no page shows them",
    "api/responses/stored_responses.py StoredResponses.delete": "stored responses: no page shows them",
    # accounts
    "api/accounts/api_keys.py ApiKeys.create": WHEN_OPENED,
    "api/accounts/api_keys.py ApiKeys.change": WHEN_OPENED,
    "api/accounts/erasure.py Erasure.erase": "told by Writes.run_job, after its last transaction",
    "api/accounts/profile.py Accounts.change_profile": WHEN_OPENED,
    "api/accounts/sign_in.py SignIn.register": "nobody listens to an account that was not there",
    "api/accounts/sign_in.py new_setup_code": "there is no account yet",
    "api/auth/authenticator.py Authenticator._write_touch": "when a login or a key was last used, once a minute",
    "api/auth/password_check.py PasswordCheck.check": AUDIT,
    # admin
    "api/admin/access.py AdminAccess.invite": WHEN_OPENED,
    "api/admin/access.py AdminAccess.revoke_invitation": WHEN_OPENED,
    "api/admin/backups.py Backups.make": "it copies, and changes nothing",
    "api/admin/engine.py AdminEngine.cancel": AUDIT,
    "api/admin/housekeeping.py Housekeeping.tidy": "removes what nobody sees",
    "api/admin/housekeeping.py Housekeeping.sweep": "removes what nobody sees",
    "api/admin/models.py AdminModels._record": AUDIT,
    "api/admin/records.py AdminRecords.audit_jsonl": AUDIT,
    "api/admin/storage.py AdminStorage.compact": "no row changes",
    "api/admin/storage.py AdminStorage._record": AUDIT,
    "api/admin/capacity/pins.py AdminPins.create": WHEN_OPENED,
    "api/admin/capacity/pins.py AdminPins.delete": WHEN_OPENED,
    "api/admin/users.py AdminUsers.create": WHEN_OPENED,
    "api/admin/users.py AdminUsers.set_limits": WHEN_OPENED,
    "api/admin/users.py AdminUsers.set_quota": WHEN_OPENED,
}

PUBLISHES = {
    "api/bus/writes.py Writes.run": "what a transaction recorded",
    "api/bus/writes.py Writes.run_job": "what a job told in its end",
    "api/bus/writes.py Writes.publish": "the door itself",
    "api/chats/import_run.py ImportRun._announce": "many chats in one message, at most twice a second",
    "api/documents/telling.py ProgressTeller._tell": "many pages in one message, at most twice a second",
    "api/admin/models.py AdminModels._say": "a model's state is no row",
    "api/admin/pulls.py Pulls._publish": "a download's progress is no row",
    "api/durable/recorded_run.py RecordedRun._tell": "an answer's events, while it is written",
    "api/durable/recorded_run.py RecordedRun._to_session": "an answer's events, while it is written",
    "api/durable/runs.py RecordedRuns.stop": "asks another server",
    "api/live/presence.py Presence._say": "who is there is no row",
    "api/live/presence.py TypingSign._publish": "who types is no row",
}


def found_in(path: str, source: str) -> Iterator[tuple[str, str]]:
    """("writes" or "publishes", "file Class.method") of each call that does so: on a database, on a bus or a Writes, or
    by handing a database to a function of the store."""
    tree = ast.parse(source)
    stores = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bdchat.store")
        for alias in node.names
    }
    for top in tree.body:
        parts = [(f"{top.name}.", part) for part in top.body] if isinstance(top, ast.ClassDef) else [("", top)]
        for prefix, part in parts:
            where = f"{path} {prefix}{getattr(part, 'name', '')}"
            for node in ast.walk(part):
                if isinstance(node, ast.Call) and (what := _what_it_does(node, stores)) is not None:
                    yield what, where


def _what_it_does(call: ast.Call, stores: set[str]) -> str | None:
    owner, _, verb = ast.unparse(call.func).rpartition(".")
    if verb == "publish":
        return "publishes"
    if owner.endswith("database") and verb.startswith("write"):
        return "writes"
    given = [ast.unparse(each) for each in (*call.args, *(keyword.value for keyword in call.keywords))]
    is_handed = any(each.endswith("database") for each in given)
    return "writes" if is_handed and verb.islower() and (owner or verb).partition(".")[0] in stores else None


def all_found(what: str) -> set[str]:
    paths = [path for path in modules() if path.startswith("api/")]
    found = [each for path in paths for each in found_in(path, (SOURCE / path).read_text("utf-8"))]
    return {where for kind, where in found if kind == what}


def test_who_writes_past_writes_says_why_nobody_must_hear_of_it() -> None:
    """Use `Writes.run` and record what changed in its `News`; add a line to QUIET only for what no page shows."""
    assert all_found("writes") ^ set(QUIET) == set()


def test_who_publishes_past_writes_says_why() -> None:
    """Record it in the `News` of the transaction that changes it; add a line only for what is no row."""
    assert all_found("publishes") ^ set(PUBLISHES) == set()


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("await self._database.write(change)", "writes"),
        ("await app.database.write_slice(change)", "writes"),
        ("from bdchat.store.chats import forks\nawait forks.fork(self._database, x)", "writes"),
        ("from bdchat.store.retention import sweep\nawait sweep(database=self._database)", "writes"),
        ("await self._bus.publish(topic, message)", "publishes"),
    ],
)
def test_the_reader_sees_every_way(source: str, what: str) -> None:
    assert [kind for kind, _ in found_in("api/x.py", source)] == [what]


def test_the_reader_lets_reading_pass() -> None:
    source = (
        "from bdchat.store.sql.database import Database\nself._database.read(f)\nRecorder(database)\nDatabase(database)"
    )
    assert list(found_in("api/x.py", source)) == []
