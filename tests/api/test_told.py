"""Who hears of what every route writes: each is called, and the bus must have been told; or its line says why not.

The routes are the application's own list: a new one that writes fails until it has its line here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from bdchat.api.app import App
from bdchat.api.bus.interface import Message
from bdchat.api.bus.local_bus import LocalBus
from tests.api.serving import PASSWORD, fresh_data_dir, over_app, signed_in
from tests.api.talking import id_of
from tests.api.test_kept import REFUSED_OF_OLLAMA, filled
from tests.api.test_ownership import SETTINGS, Ids, everything_of, filled_path, routes
from tests.fake_engine import FakeEngine, fake_router
from tests.store.transferable import conversation, node

pytestmark = pytest.mark.anyio
ONE = "/api/sessions/{session_id}"
DOCUMENT = "/api/documents/{document_id}"
COLLECTION = "/api/collections/{collection_id}"
STORE = "/v1/vector_stores/{vector_store_id}"
HI = [{"role": "user", "content": "hi"}]


@dataclass(frozen=True, slots=True)
class Tells:
    """`told`: (topic, type) of what must be heard before the answer. `first`: a call that makes it possible."""

    told: frozenset[tuple[str, str]]
    body: Any = None
    first: str = ""
    first_body: Any = None
    caller: str = "{name}"


@dataclass(frozen=True, slots=True)
class Quiet:
    why: str


CHANGED = frozenset(
    {
        ("session:{session_id}", "session.changed"),
        ("user:{own_id}", "session.changed"),
        ("user:{user_id}", "session.changed"),
    }
)
WRITTEN = CHANGED | {("session:{session_id}", "message.created")}
DELETED = frozenset({("session:{session_id}", "session.deleted"), ("rights", "right.ended")})
ENDED = frozenset({("user:{own_id}", "auth.ended"), ("rights", "right.ended")})
SHELVED = frozenset({("user:{own_id}", "document.changed")})
COLLECTED = frozenset({("user:{own_id}", "collection.changed")})
UNSHELVED = frozenset({("user:{own_id}", "document.deleted")})
UNCOLLECTED = frozenset({("user:{own_id}", "collection.deleted")})
ITS_MEMBER = f"{COLLECTION}/members/{{username}}"
ITS_DOCUMENT = f"{COLLECTION}/documents/{{document_id}}"
CREATED = frozenset({("user:{own_id}", "session.created")})
WHEN_OPENED = Quiet("what it changes is read when somebody opens it")
NOT_SHOWN = Quiet("no page shows it")
ITS_END = Quiet("the end of what it stops is told, as any other's")
ADMINS = Quiet("no row that pages show: models and downloads tell their own state, test_models.py and test_pulls.py")

TOLD: Mapping[str, Tells | Quiet] = {
    "POST /v1/chat/completions": Tells(
        WRITTEN, {"messages": HI, "store": True, "metadata": {"session_id": "{session_id}"}}
    ),
    "POST /v1/chat/completions/{completion_id}": NOT_SHOWN,
    "DELETE /v1/chat/completions/{completion_id}": NOT_SHOWN,
    "POST /v1/chat/completions/{completion_id}/cancel": ITS_END,
    "POST /v1/responses": NOT_SHOWN,
    "DELETE /v1/responses/{response_id}": NOT_SHOWN,
    "POST /v1/responses/{response_id}/cancel": ITS_END,
    "POST /v1/responses/input_tokens": Quiet("it is not stored"),
    "POST /v1/messages": Quiet("it is not stored"),
    "POST /v1/messages/count_tokens": Quiet("it is not stored"),
    "POST /api/chat": Quiet("it is not stored"),
    "POST /api/generate": Quiet("it is not stored"),
    "POST /api/show": Quiet("it is not stored"),
    "POST /api/embed": Quiet("it is not stored"),
    "POST /api/embeddings": Quiet("it is not stored"),
    "POST /api/pull": ADMINS,
    **dict.fromkeys(REFUSED_OF_OLLAMA, Quiet("it is refused")),
    "POST /v1/completions": Quiet("it is not stored"),
    "POST /v1/fim/completions": Quiet("it is not stored"),
    "POST /v1/embeddings": Quiet("it is not stored"),
    "POST /v1/rerank": Quiet("it is not stored"),
    "POST /v1/completion": Quiet("it is not stored"),
    "POST /v1/infill": Quiet("it is not stored"),
    "POST /v1/tokenize": Quiet("it is not stored"),
    "POST /v1/detokenize": Quiet("it is not stored"),
    "POST /v1/apply-template": Quiet("it is not stored"),
    "POST /api/llm/generate": Tells(WRITTEN, {"prompt": "hi", "session_id": "{session_id}"}),
    "POST /api/messages/{message_id}/regenerate": Tells(WRITTEN, {}),
    "POST /api/messages/{message_id}/continue": Quiet("as regenerate: RecordedRuns.launch"),
    "POST /api/messages/{message_id}/edit": Tells(WRITTEN, {"content": "x", "answers": False}),
    "POST /api/live/chat/{session_id}": Tells(WRITTEN, {"type": "chat_message", "content": "x"}),
    # accounts
    "POST /api/auth/register": Quiet("nobody listens to an account that was not there"),
    "POST /api/auth/login": Tells(ENDED, {"username": "{name}", "password": PASSWORD, "cookie": True}),
    "POST /api/auth/logout": Tells(ENDED),
    "POST /api/auth/password": Tells(ENDED, {"current_password": PASSWORD, "new_password": "another long horse"}),
    "POST /api/profile/delete": Tells(ENDED, {"current_password": PASSWORD}),
    "DELETE /api/auth/sessions": Tells(ENDED),
    "DELETE /api/auth/sessions/{login_id}": Tells(ENDED),
    "PATCH /api/profile": WHEN_OPENED,
    "POST /api/keys": WHEN_OPENED,
    "PATCH /api/keys/{key_id}": WHEN_OPENED,
    "DELETE /api/keys/{key_id}": Tells(ENDED),
    # sessions
    "POST /api/sessions": Tells(CREATED, {}),
    "POST /api/sessions/bulk": Tells(
        DELETED | {("user:{own_id}", "session.changed_many"), ("user:{user_id}", "session.changed_many")},
        {"session_ids": ["{session_id}"], "is_deleted": True},
    ),
    f"PUT {ONE}": Tells(CHANGED, {"title": "x"}),
    f"PATCH {ONE}": Tells(CHANGED, {"is_archived": True}),
    f"DELETE {ONE}": Tells(DELETED | {("user:{own_id}", "session.deleted"), ("user:{user_id}", "session.deleted")}),
    f"POST {ONE}/restore": Tells(CHANGED, first=f"DELETE {ONE}"),
    f"PUT {ONE}/config": Tells(CHANGED, {"system_prompt": "x"}),
    f"PATCH {ONE}/config": Tells(CHANGED, {"temperature": 0.5}),
    f"POST {ONE}/messages": Tells(WRITTEN, {"content": "x"}),
    f"POST {ONE}/head": Tells(CHANGED, {"message_id": "{question_id}"}),
    f"POST {ONE}/fork": Tells(CREATED, {}),
    f"POST {ONE}/preview": Quiet("it writes nothing"),
    f"POST {ONE}/members": Tells(
        frozenset({("user:{other_id}", "notification")}), {"username": "{name}s other", "role": "reader"}
    ),
    f"DELETE {ONE}/members/{{user_id}}": Tells(
        frozenset(
            {
                ("session:{session_id}", "session.left"),
                ("user:{user_id}", "session.deleted"),
                ("rights", "right.ended"),
            }
        )
    ),
    f"DELETE {ONE}/invitations/{{invitation_id}}": WHEN_OPENED,
    "POST /api/invitations/{invitation_id}/accept": Tells(
        frozenset({("user:{own_id}", "session.changed"), ("user:{guest_id}", "session.changed")}),
        caller="{name}s guest",
    ),
    "POST /api/invitations/{invitation_id}/decline": Quiet("that somebody declined is told to nobody"),
    f"POST {ONE}/links": WHEN_OPENED,
    f"DELETE {ONE}/links/{{link_id}}": Tells(frozenset({("rights", "right.ended")})),
    "POST /api/import": Tells(
        frozenset({("user:{own_id}", "session.changed_many")}), [conversation(node("u", None, "user", "hi"))]
    ),
    # documents
    f"PUT {ONE}/documents": Tells(CHANGED, {"document_ids": ["{document_id}"]}),
    "POST /api/documents?name=x.json": Tells(SHELVED, {}),
    f"PATCH {DOCUMENT}": Tells(SHELVED, {"name": "x"}),
    f"DELETE {DOCUMENT}": Tells(UNSHELVED),
    f"POST {DOCUMENT}/restore": Tells(SHELVED, first=f"DELETE {DOCUMENT}"),
    **{f"POST {DOCUMENT}/{verb}": Quiet("as PATCH: Documents._change") for verb in ("pause", "resume", "retry")},
    "POST /api/collections": Tells(COLLECTED, {"name": "c"}),
    f"PATCH {COLLECTION}": Tells(COLLECTED, {"name": "c"}),
    f"DELETE {COLLECTION}": Tells(UNCOLLECTED),
    f"POST {COLLECTION}/restore": Tells(COLLECTED, first=f"DELETE {COLLECTION}"),
    f"PUT {ITS_DOCUMENT}": Tells(SHELVED | COLLECTED),
    f"DELETE {ITS_DOCUMENT}": Tells(SHELVED | COLLECTED, first=f"PUT {ITS_DOCUMENT}"),
    f"PUT {ITS_MEMBER}": Tells(COLLECTED | {("user:{user_id}", "collection.changed")}, {"role": "reader"}),
    f"DELETE {ITS_MEMBER}": Tells(
        COLLECTED | {("user:{user_id}", "collection.deleted")}, first=f"PUT {ITS_MEMBER}", first_body={}
    ),
    "POST /api/documents/search": Quiet("it writes nothing"),
    "POST /v1/vector_stores": Tells(COLLECTED, {"name": "c"}),
    f"POST {STORE}": Tells(COLLECTED, {"name": "c"}),
    f"DELETE {STORE}": Tells(UNCOLLECTED),
    f"POST {STORE}/files": Tells(SHELVED | COLLECTED, {"file_id": "{file_id}"}),
    f"DELETE {STORE}/files/{{file_id}}": Tells(SHELVED | COLLECTED, first=f"PUT {ITS_DOCUMENT}"),
    f"POST {STORE}/search": Quiet("it writes nothing"),
    "POST /v1/files": Quiet("as POST /api/documents: Intake.take"),
    "DELETE /v1/files/{file_id}": Tells(UNSHELVED),
    "WS /ws/chat/{session_id}": Quiet("what is said on it goes the ways of messages and answers: test_chat_socket.py"),
    "WS /ws/events": Quiet("it only tells"),
    # admin: {user_id} is the owner there
    "POST /api/admin/users": WHEN_OPENED,
    "DELETE /api/admin/users/{own_id}": Tells(ENDED | DELETED),
    "PATCH /api/admin/users/{own_id}": Tells(ENDED, {"is_disabled": True}),
    "PUT /api/admin/users/{own_id}/quota": WHEN_OPENED,
    "PUT /api/admin/users/{own_id}/limits": WHEN_OPENED,
    "POST /api/admin/users/{own_id}/password": Tells(ENDED),
    "DELETE /api/admin/users/{own_id}/sessions": Tells(ENDED),
    "POST /api/admin/pins": WHEN_OPENED,
    "DELETE /api/admin/pins/{pin_id}": WHEN_OPENED,
    "POST /api/admin/invitations": WHEN_OPENED,
    "DELETE /api/admin/invitations/{invitation_id}": WHEN_OPENED,
    "DELETE /api/admin/keys/{key_id}": Tells(ENDED),
    "DELETE /api/admin/generations/{generation_id}": ITS_END,
    "DELETE /api/admin/models": ADMINS,
    "POST /api/admin/models/load": ADMINS,
    "POST /api/admin/models/unload": ADMINS,
    "POST /api/admin/models/default": ADMINS,
    "POST /api/admin/pulls": ADMINS,
    "POST /api/admin/pulls/{pull_id}/pause": ADMINS,
    "POST /api/admin/pulls/{pull_id}/resume": ADMINS,
    "DELETE /api/admin/pulls/{pull_id}": ADMINS,
    "POST /api/admin/storage/compact": Quiet("no row changes"),
    "POST /api/admin/backups": Quiet("it copies"),
    "DELETE /api/admin/backups/{name}": Quiet("a file, and no row"),
}


class HeardBus(LocalBus):
    """Hears every topic."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []

    async def publish(self, topic: str, message: Message) -> None:
        self.told.append((topic, message["type"]))
        await super().publish(topic, message)


@dataclass(slots=True)
class Scene:
    client: httpx.AsyncClient
    bus: HeardBus
    ids: Ids = field(default_factory=dict)

    async def call(self, name: str, headers: dict[str, str], body: Any = None) -> httpx.Response:
        method, _, path = name.partition(" ")
        self.client.cookies.clear()
        return await self.client.request(
            method, filled_path(path, self.ids), json=filled(body, self.ids), headers=headers
        )

    async def missing(self, name: str, tells: Tells) -> list[str]:
        """What nobody heard of a call of the route by people who have one of everything."""
        owner = await signed_in(self.client, filled_path(tells.caller, self.ids))
        caller = await signed_in(self.client, "root", admin=True) if "/api/admin/" in name else owner
        if tells.first:
            assert (await self.call(tells.first, caller, tells.first_body)).is_success
        self.bus.told.clear()
        answer = await self.call(name, caller, tells.body)
        heard = set(self.bus.told)
        if not answer.is_success:
            return [f"{name}: {answer.status_code} {answer.text[:200]}"]
        expected = {(filled_path(topic, self.ids), kind) for topic, kind in tells.told}
        return [f"{name}: {kind} on {topic.partition(':')[0]}" for topic, kind in sorted(expected - heard)]


def test_every_route_that_writes_says_who_hears_of_it() -> None:
    """Add the new one to TOLD: what must be heard when it is called, or why nobody need hear of it."""
    writing = {name for name in routes() if not name.startswith("GET ")}
    told = {name.replace("users/{own_id}", "users/{user_id}").partition("?")[0] for name in TOLD}
    assert writing ^ told == set()


async def test_what_a_route_writes_is_told() -> None:
    settings = SETTINGS.model_copy(update={"data_dir": fresh_data_dir()})
    bus = HeardBus()
    problems: list[str] = []
    async with over_app(App(settings, fake_router(FakeEngine()), bus=bus), settings) as client:
        for number, (name, tells) in enumerate(TOLD.items()):
            if isinstance(tells, Tells):
                owner = f"ann{number}"
                others: Ids = {}
                for role in ("guest", "other"):
                    await signed_in(client, f"{owner}s {role}")
                    others[f"{role}_id"] = await id_of(client, f"{owner}s {role}")
                ids = {**await everything_of(client, owner, "words"), **others}
                is_edit = name.endswith("edit")
                ids |= {"name": owner, "message_id": ids["question_id" if is_edit else "answer_id"]}
                problems += await Scene(client, bus, ids).missing(name, tells)
    assert problems == []
