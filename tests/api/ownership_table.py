"""How a stranger calls every route of the application with somebody else's ids: the table of test_ownership.py.

A route without an entry fails the test. In a path, a query or a body, {session_id} and the like are the owner's; in a
`Theirs` every mixture of the owner's and the stranger's own ids in the path is tried, but the one of his own alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PASSWORD_BODY = {"username": "somebody", "password": "correct horse battery", "cookie": False}
MESSAGE = [{"role": "user", "content": "hi"}]


@dataclass(frozen=True, slots=True)
class Theirs:
    """Ids in the path. Each call is answered as if the thing did not exist."""

    body: Any = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Within:
    """The stranger's own ids in the path, the owner's in the body or the query. `statuses`: what may come of it."""

    body: Any = None
    query: str = ""
    statuses: frozenset[int] = frozenset({404})


@dataclass(frozen=True, slots=True)
class Own:
    """Nobody's ids: the route is about who asks, or about what is everybody's. `why`: in a few words."""

    why: str
    body: Any = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Admin:
    """Forbidden to everybody but admins, whatever is named and sent."""

    body: Any = None


Entry = Theirs | Within | Own | Admin
BULK = {"session_ids": ["{session_id}"], "is_deleted": True}
ONE = "/api/sessions/{session_id}"
DOCUMENT = "/api/documents/{document_id}"
COLLECTION = "/api/collections/{collection_id}"
STORE = "/v1/vector_stores/{vector_store_id}"

TABLE: Mapping[str, tuple[Entry, ...]] = {
    # OpenAI's wire
    "POST /v1/chat/completions": (
        Within(body={"messages": MESSAGE, "store": True, "metadata": {"session_id": "{session_id}"}}),
        Within(
            body={
                "messages": MESSAGE,
                "store": True,
                "metadata": {"session_id": "{my_session_id}", "parent_id": "{message_id}"},
            }
        ),
        Own("a bare call leaves nothing", body={"messages": MESSAGE}),
    ),
    "GET /v1/chat/completions": (Own("who asks has these"),),
    "GET /v1/chat/completions/{completion_id}": (Theirs(),),
    "POST /v1/chat/completions/{completion_id}": (Theirs(body={"metadata": {"a": "b"}}),),
    "DELETE /v1/chat/completions/{completion_id}": (Theirs(),),
    "GET /v1/chat/completions/{completion_id}/messages": (Theirs(),),
    "GET /v1/chat/completions/{completion_id}/events": (Theirs(),),
    "POST /v1/chat/completions/{completion_id}/cancel": (Theirs(),),
    "POST /v1/responses": (
        Within(body={"input": "hi", "previous_response_id": "{response_id}"}, statuses=frozenset({400})),
        Own("who asks has it", body={"input": "hi"}),
    ),
    "GET /v1/responses/{response_id}": (Theirs(), Theirs(query="stream=true")),
    "DELETE /v1/responses/{response_id}": (Theirs(),),
    "GET /v1/responses/{response_id}/input_items": (Theirs(),),
    "POST /v1/responses/{response_id}/cancel": (Theirs(),),
    "POST /v1/responses/input_tokens": (Own("a bare call leaves nothing", body={"input": "hi"}),),
    "POST /v1/messages": (Own("a bare call leaves nothing", body={"messages": MESSAGE, "max_tokens": 9}),),
    "POST /v1/messages/count_tokens": (Own("a bare call leaves nothing", body={"messages": MESSAGE}),),
    "POST /api/chat": (Own("a bare call leaves nothing", body={"model": "fake", "messages": MESSAGE}),),
    "POST /api/generate": (Own("a bare call leaves nothing", body={"model": "fake", "prompt": "hi"}),),
    "POST /api/embed": (Own("vectors are kept for nobody", body={"model": "fake", "input": "hi"}),),
    "POST /api/embeddings": (Own("vectors are kept for nobody", body={"model": "fake", "prompt": "hi"}),),
    "POST /api/show": (Own("models are everybody's", body={"model": "fake"}),),
    "GET /api/tags": (Own("models are everybody's"),),
    "GET /props": (Own("models are everybody's"),),
    "GET /api/v0/models": (Own("models are everybody's"),),
    "GET /api/v0/models/{model_id:path}": (Own("models are everybody's"),),
    "GET /api/ps": (Own("models are everybody's"),),
    "GET /api/version": (Own("constant"),),
    "POST /api/pull": (Admin(body={"model": "x"}),),
    "POST /api/push": (Admin(body={"model": "x"}),),
    "POST /api/create": (Admin(body={"model": "x"}),),
    "POST /api/copy": (Admin(body={"source": "x"}),),
    "DELETE /api/delete": (Admin(body={"model": "x"}),),
    "POST /v1/completions": (Own("a bare call leaves nothing", body={"prompt": "hi"}),),
    "POST /v1/fim/completions": (Own("a bare call leaves nothing", body={"prompt": "hi"}),),
    "POST /v1/embeddings": (Own("vectors are kept for nobody", body={"input": "hi"}),),
    "POST /v1/rerank": (Own("ranks are kept for nobody", body={"query": "hi", "documents": ["hi"]}),),
    "POST /v1/completion": (Own("a bare call leaves nothing", body={"prompt": "hi"}),),
    "POST /v1/infill": (Own("a bare call leaves nothing", body={"input_prefix": "hi"}),),
    "POST /v1/tokenize": (Own("a bare call leaves nothing", body={"content": "hi"}),),
    "POST /v1/detokenize": (Own("a bare call leaves nothing", body={"tokens": [104]}),),
    "POST /v1/apply-template": (Own("a bare call leaves nothing", body={"messages": MESSAGE}),),
    "GET /v1/models": (Own("models are everybody's"),),
    "GET /v1/models/{model_id:path}": (Own("models are everybody's"),),
    "POST /api/llm/generate": (
        Within(body={"prompt": "hi", "session_id": "{session_id}"}),
        Own("a bare call leaves nothing", body={"prompt": "hi"}),
    ),
    "GET /api/llm/models": (Own("models are everybody's"),),
    "GET /health": (Own("open: whether the server is alive"),),
    "GET /metrics": (Own("sums over everybody, for the operator"),),
    "GET /api/openapi.json": (Own("open: the document of all this"),),
    # accounts
    "POST /api/auth/register": (Own("open: makes an account of one's own", body=PASSWORD_BODY),),
    "POST /api/auth/login": (Own("open: needs the password", body=PASSWORD_BODY),),
    "POST /api/auth/logout": (Own("ends the caller's login"),),
    "GET /api/auth/me": (Own("the caller"),),
    "POST /api/auth/password": (
        Own("the caller's", body={"current_password": "wrong", "new_password": "another long one"}),
    ),
    "GET /api/auth/sessions": (Own("the caller's logins"),),
    "DELETE /api/auth/sessions": (Own("the caller's logins"),),
    "DELETE /api/auth/sessions/{login_id}": (Theirs(),),
    "GET /api/profile": (Own("the caller's"),),
    "PATCH /api/profile": (Own("the caller's", body={"display_name": "me"}),),
    "GET /api/profile/usage": (Own("the caller's"),),
    "POST /api/profile/delete": (Own("the caller's", body={"current_password": "wrong"}),),
    "GET /api/profile/messages": (
        Own("the caller's"),
        Within(query="cursor=1.{message_id}", statuses=frozenset({200})),
    ),
    "GET /api/keys": (Own("the caller's"),),
    "POST /api/keys": (Own("the caller's", body={"name": "k"}),),
    "PATCH /api/keys/{key_id}": (Theirs(body={"name": "mine now"}),),
    "DELETE /api/keys/{key_id}": (Theirs(),),
    # sessions
    "GET /api/search": (
        Own("finds what the caller may see"),
        Within(query="q={content}", statuses=frozenset({200})),
        Within(query="q={content}&session_id={session_id}", statuses=frozenset({200})),
    ),
    "GET /api/search/chats": (
        Own("finds what the caller may see"),
        Within(query="q={content}", statuses=frozenset({200})),
    ),
    "GET /api/sessions": (Own("the caller's"), Within(query="shared=true", statuses=frozenset({200}))),
    "POST /api/sessions": (Own("the caller's", body={}),),
    "POST /api/sessions/bulk": (
        Within(body=BULK, statuses=frozenset({200})),
        Within(body=BULK | {"is_deleted": False}, statuses=frozenset({200})),
    ),
    "GET /api/folders": (Own("the caller's"),),
    f"GET {ONE}": (Theirs(),),
    f"PUT {ONE}": (Theirs(body={"title": "mine now"}),),
    f"PATCH {ONE}": (Theirs(body={"is_archived": True}),),
    f"DELETE {ONE}": (Theirs(), Theirs(query="permanently=true")),
    f"POST {ONE}/restore": (Theirs(),),
    f"GET {ONE}/config": (Theirs(),),
    f"PUT {ONE}/config": (Theirs(body={"system_prompt": "mine now"}),),
    f"PATCH {ONE}/config": (Theirs(body={"temperature": 0.5}),),
    # messages
    f"GET {ONE}/messages": (
        Theirs(),
        Within(query="before={message_id}"),
        Within(query="leaf={message_id}"),
    ),
    f"POST {ONE}/messages": (
        Theirs(body={"content": "mine"}),
        Within(body={"content": "mine", "parent_id": "{message_id}"}),
    ),
    f"GET {ONE}/messages/{{message_id}}/sources": (Theirs(),),
    "GET /api/messages/{message_id}": (Theirs(),),
    f"POST {ONE}/head": (Theirs(body={"message_id": "{message_id}"}), Within(body={"message_id": "{message_id}"})),
    f"POST {ONE}/fork": (Theirs(body={}), Within(body={"message_id": "{message_id}"})),
    f"POST {ONE}/preview": (
        Theirs(body={"content": "x"}),
        Within(body={"content": "x", "parent_id": "{message_id}"}),
    ),
    "POST /api/messages/{message_id}/regenerate": (Theirs(body={}),),
    "POST /api/messages/{message_id}/continue": (Theirs(),),
    "POST /api/messages/{message_id}/edit": (Theirs(body={"content": "x"}),),
    # sharing
    f"GET {ONE}/members": (Theirs(),),
    f"POST {ONE}/members": (Theirs(body={"username": "bob", "role": "writer"}),),
    f"DELETE {ONE}/members/{{user_id}}": (Theirs(),),
    f"DELETE {ONE}/invitations/{{invitation_id}}": (Theirs(),),
    "GET /api/invitations": (Own("the caller's"),),
    "GET /api/people": (Own("the caller's"),),
    "POST /api/invitations/{invitation_id}/accept": (Theirs(),),
    "POST /api/invitations/{invitation_id}/decline": (Theirs(),),
    f"GET {ONE}/links": (Theirs(),),
    f"POST {ONE}/links": (Theirs(body={}),),
    f"DELETE {ONE}/links/{{link_id}}": (Theirs(),),
    "GET /api/shared/{token}": (Own("open: the token is the credential"),),
    # transfer
    f"GET {ONE}/export": (Theirs(), Theirs(query="format=markdown")),
    "GET /api/export": (Own("the caller's"),),
    "GET /api/export/schema": (Own("the format is everybody's"),),
    "POST /api/import": (Own("makes chats of the caller's", body={}),),
    # documents
    "GET /api/documents": (
        Own("what the caller may see"),
        Within(query="q={content}", statuses=frozenset({200})),
        Within(query="collection_id={collection_id}", statuses=frozenset({200})),
    ),
    "POST /api/documents": (
        Own("makes one of the caller's", query="name=x.json", body={}),
        Within(query="name=x.json&collection_id={collection_id}", body={}),
    ),
    f"GET {DOCUMENT}": (Theirs(),),
    f"PATCH {DOCUMENT}": (Theirs(body={"name": "mine now"}),),
    f"DELETE {DOCUMENT}": (Theirs(), Theirs(query="purge=true")),
    **{f"POST {DOCUMENT}/{verb}": (Theirs(),) for verb in ("pause", "resume", "retry", "restore")},
    f"GET {DOCUMENT}/content": (Theirs(),),
    f"GET {DOCUMENT}/pages/{{number}}": (Theirs(),),
    f"GET {DOCUMENT}/passages/{{passage_id}}": (Theirs(),),
    f"GET {ONE}/documents": (Theirs(),),
    f"PUT {ONE}/documents": (
        Theirs(body={}),
        Within(body={"document_ids": ["{document_id}"]}),
        Within(body={"collection_ids": ["{collection_id}"]}),
    ),
    "GET /api/collections": (Own("what the caller may see"),),
    "POST /api/collections": (Own("the caller's", body={"name": "mine"}),),
    f"GET {COLLECTION}": (Theirs(),),
    f"PATCH {COLLECTION}": (Theirs(body={"name": "mine now"}),),
    f"DELETE {COLLECTION}": (Theirs(),),
    f"POST {COLLECTION}/restore": (Theirs(),),
    f"PUT {COLLECTION}/documents/{{document_id}}": (Theirs(),),
    f"DELETE {COLLECTION}/documents/{{document_id}}": (Theirs(),),
    f"GET {COLLECTION}/members": (Theirs(),),
    f"PUT {COLLECTION}/members/{{username}}": (Theirs(body={"role": "writer"}),),
    f"DELETE {COLLECTION}/members/{{username}}": (Theirs(),),
    "POST /api/documents/search": (
        Own("finds what the caller may see", body={"query": "x"}),
        Within(body={"query": "{content}", "document_ids": ["{document_id}"]}),
        Within(body={"query": "{content}", "collection_ids": ["{collection_id}"]}),
        Within(body={"query": "geheimnis"}, statuses=frozenset({200})),
    ),
    "GET /v1/vector_stores": (
        Own("what the caller may see"),
        Within(query="after={vector_store_id}", statuses=frozenset({200})),
    ),
    "POST /v1/vector_stores": (
        Own("the caller's", body={"name": "mine"}),
        Within(body={"name": "mine", "file_ids": ["{file_id}"]}),
    ),
    f"GET {STORE}": (Theirs(),),
    f"POST {STORE}": (Theirs(body={"name": "mine now"}),),
    f"DELETE {STORE}": (Theirs(),),
    f"GET {STORE}/files": (Theirs(),),
    f"POST {STORE}/files": (Theirs(body={"file_id": "{file_id}"}), Within(body={"file_id": "{file_id}"})),
    f"GET {STORE}/files/{{file_id}}": (Theirs(),),
    f"DELETE {STORE}/files/{{file_id}}": (Theirs(),),
    f"POST {STORE}/search": (Theirs(body={"query": "{content}"}),),
    "GET /v1/files": (Own("the caller's"), Within(query="after={file_id}", statuses=frozenset({200}))),
    "POST /v1/files": (Own("makes one of the caller's", body={}),),
    "GET /v1/files/{file_id}": (Theirs(),),
    "DELETE /v1/files/{file_id}": (Theirs(),),
    "GET /v1/files/{file_id}/content": (Theirs(),),
    # sockets (test_ownership.py speaks on them)
    "WS /ws/chat/{session_id}": (Theirs(),),
    "GET /api/live/events": (Own("the caller's news"),),
    "GET /api/live/chat/{session_id}": (Theirs(),),
    "POST /api/live/chat/{session_id}": (
        Theirs(body={"type": "chat_message", "content": "x"}),
        Theirs(body={"type": "typing"}),
        Within(body={"type": "chat_message", "content": "x", "parent_id": "{message_id}"}),
        Within(body={"type": "edit", "message_id": "{message_id}", "content": "x"}),
        Within(body={"type": "regenerate", "message_id": "{message_id}"}),
        Within(body={"type": "continue", "message_id": "{message_id}"}),
        Within(body={"type": "stop", "generation_id": "{generation_id}"}),
    ),
    "WS /ws/events": (Own("the caller's news"),),
}
