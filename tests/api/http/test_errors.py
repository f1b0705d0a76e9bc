"""The table: every exception of the engine's tree, and the edge's, has its row."""

import json

import pytest

from bdchat.api.http import errors as api_errors
from bdchat.api.http.errors import EdgeError, ErrorReply, error_event, error_reply, is_expected, seconds_left
from bdchat.engine import errors as engine_errors
from bdchat.engine.errors import (
    AccountLimitReached,
    ChatTooLong,
    ContextLengthExceeded,
    EngineError,
    EngineUnavailable,
    GenerationFailed,
    InvalidRequest,
    ModelLoadFailed,
    ModelNotFound,
    QueueFull,
    QueueTimeout,
    RequestQuarantined,
    TooLittleMemory,
    UnknownModel,
)
from bdchat.store import errors as store_errors
from bdchat.store.errors import StoreError, StoreUnavailable
from bdchat.store.ids import now_ms

EXAMPLES: list[tuple[Exception, int, str]] = [
    (InvalidRequest("top_p", "no"), 400, "invalid_value"),
    (ContextLengthExceeded(9001, 8192), 400, "context_length_exceeded"),
    (ChatTooLong(9001, 8192), 400, "chat_too_long"),
    (RequestQuarantined(2), 400, "request_quarantined"),
    (ModelNotFound("x", ("y",)), 404, "model_not_found"),
    (ModelNotFound("x", ("y",), "Install it."), 404, "model_not_found"),
    (UnknownModel("x", ("y",), "there is no x", "There is y."), 404, "model_not_found"),
    (QueueFull(1.5), 503, "queue_full"),
    (AccountLimitReached("requests waiting", 32, 2.4), 429, "rate_limit_exceeded"),
    (QueueTimeout(60), 503, "queue_timeout"),
    (EngineUnavailable("restarting", 2), 503, "engine_unavailable"),
    (ModelLoadFailed("m", "bad file"), 503, "model_load_failed"),
    (TooLittleMemory("m", "a context of 8,192 tokens does not fit"), 503, "model_load_failed"),
    (GenerationFailed("no"), 500, "generation_failed"),
    (api_errors.UnsupportedParameter("tools", "no"), 400, "unsupported_parameter"),
    (api_errors.MalformedBody("no"), 400, "malformed_body"),
    (api_errors.Unauthorized(was_given=True), 401, "invalid_api_key"),
    (api_errors.Forbidden("no"), 403, "forbidden"),
    (api_errors.LoginFailed(), 401, "login_failed"),
    (api_errors.TooManyAttempts(30), 429, "too_many_attempts"),
    (api_errors.EndedByAdmin(), 503, "ended_by_admin"),
    (api_errors.TooManyConnections(), 503, "too_many_connections"),
    (store_errors.NotAllowed("no"), 403, "forbidden"),
    (store_errors.QuotaExceeded(8), 403, "storage_quota_exceeded"),
    (store_errors.NotFound("session"), 404, "not_found"),
    (store_errors.Conflict("taken", param="username"), 409, "conflict"),
    (store_errors.StoreFull("disk full"), 507, "storage_full"),
    (store_errors.StoreReadOnly("the disk"), 507, "storage_read_only"),
    (store_errors.StoreBusy(), 503, "store_unavailable"),
    (store_errors.StoreMissing("bdchat.db", "bdchat.db-founded"), 503, "store_unavailable"),
    (store_errors.StoreLocked("here"), 503, "store_unavailable"),
    (store_errors.StoreDamaged("here", "bits"), 503, "store_unavailable"),
    (store_errors.StoreMissing("here", "cache"), 503, "store_unavailable"),
    (store_errors.StoreBusy(), 503, "store_unavailable"),
    (store_errors.StoreTooNew("9"), 503, "store_unavailable"),
    (api_errors.OriginNotAllowed("x"), 403, "origin_not_allowed"),
    (api_errors.BodyTimeout(30), 408, "request_timeout"),
    (api_errors.BodyTooLarge(8), 413, "request_too_large"),
    (api_errors.UnsupportedMediaType("x"), 415, "unsupported_media_type"),
    (api_errors.HostNotAllowed("x"), 421, "host_not_allowed"),
    (api_errors.HeadersTooLarge(8), 431, "headers_too_large"),
    (ZeroDivisionError("secret"), 500, "internal_error"),
]


@pytest.mark.parametrize(("error", "status", "code"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_an_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    reply = error_reply(error)
    assert (reply.status, reply.code) == (status, code)
    body = json.loads(reply.body)["error"]
    assert set(body) == {"message", "type", "param", "code"}
    assert "secret" not in body["message"]


@pytest.mark.parametrize("module", [engine_errors, api_errors, store_errors])
def test_every_error_has_an_example_here(module: object) -> None:
    kinds = {
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, EngineError | EdgeError | StoreError)
    }
    assert kinds - {type(error) for error, _, _ in EXAMPLES} <= {EngineError, EdgeError, StoreError, StoreUnavailable}


def reply_of(error: Exception) -> ErrorReply:
    return error_reply(error)


def test_a_busy_server_says_when_to_come_back_in_whole_seconds() -> None:
    assert reply_of(QueueFull(1.5)).headers["retry-after"] == "2"
    assert reply_of(EngineUnavailable("x", 0.1)).headers["retry-after"] == "1"
    assert "retry-after" in reply_of(QueueTimeout(60)).headers


def test_what_would_fail_again_is_not_to_be_retried() -> None:
    assert reply_of(ModelLoadFailed("m", "bad")).headers["x-should-retry"] == "false"


def test_a_model_that_is_loaded_again_later_says_when() -> None:
    """An engine that rests after it died while loading was a 503 without Retry-After."""
    assert "retry-after" not in reply_of(ModelLoadFailed("m", "bad")).headers
    resting = reply_of(ModelLoadFailed("m", "dies while loading", 41.2))
    assert (resting.headers["retry-after"], resting.retry_after_s) == ("42", 42)
    assert resting.headers["x-should-retry"] == "false"  # it is for people to look at: SDKs do not hammer it
    event = json.loads(error_event(EngineUnavailable("x", 8.5)))
    assert (event["error"]["code"], event["retry_after_s"]) == ("engine_unavailable", 9)
    assert set(json.loads(error_event(GenerationFailed("x")))) == {"error"}


def test_what_is_left_of_a_wait_is_told_at_the_time_of_reading() -> None:
    assert seconds_left(None) is None
    assert seconds_left(now_ms() - 1) is None
    assert seconds_left(now_ms() + 5000) in {5, 6}


def test_only_the_unknown_is_a_fault_of_ours() -> None:
    assert [is_expected(error) for error, _, _ in EXAMPLES] == [True] * (len(EXAMPLES) - 1) + [False]


def test_a_context_overflow_names_both_lengths() -> None:
    message = json.loads(reply_of(ContextLengthExceeded(9001, 8192)).body)["error"]["message"]
    assert "maximum context length is 8192 tokens" in message
    assert "9001" in message


def test_a_model_that_could_be_had_is_told_with_its_command() -> None:
    reply = error_reply(ModelNotFound("x", (), "It comes with: pip install x"))
    message = json.loads(reply.body)["error"]["message"]
    assert message == "The model 'x' does not exist. Available: none. It comes with: pip install x"
