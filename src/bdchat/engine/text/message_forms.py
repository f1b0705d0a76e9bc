"""Finds out in which form a chat template takes a conversation: as it stands, or with which repairs. One thread.

A conversation has a shape: its roles in order, and what of its messages is missing. The template is tried on messages
of that shape whose texts are known: the first form whose render has every text, in order, is the one. Shapes are few
(turns that repeat count once more only), so a chat is tried once, not at every turn, and the usual shapes at load.
Knows messages and renders, never tokens.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bdchat.engine.request import ChatMessage, Role, ToolCall
from bdchat.engine.text.repairs import Messages, Repair, has_short_id, repaired

Form = frozenset[Repair]
Shape = tuple["Kind", ...]
TryRender = Callable[[Messages, bool], str]  # "" when the template refuses; True: though it refuses

AS_IT_STANDS: Form = frozenset()
STRICTEST: Form = frozenset({Repair.ONE_MESSAGE})

# One is chosen before two, and of as many the first. Those of a group exclude each other.
_SYSTEM = (Repair.SYSTEM_FIRST, Repair.SYSTEM_IN_LAST_USER, Repair.SYSTEM_IN_FIRST_USER)
_REST = ((Repair.NO_EMPTY,), (Repair.CLOSING_USER,))
_PLAIN = (Repair.NEIGHBOURS, Repair.TOOL_TEXT, Repair.NO_EMPTY, Repair.OPENING_USER)
_REFERENCE = tuple(
    frozenset({Repair.OPENING_USER, Repair.NEIGHBOURS_AS_SENT, *repairs})
    for system in (Repair.SYSTEM_FIRST, Repair.SYSTEM_IN_LAST_USER)
    for repairs in ((system,), (system, Repair.REFUSAL_PASSED_OVER))
)
_MAX_SHAPES = 256  # remembered
_MAX_SEARCHED = 64  # messages of a shape; of a longer one only the plainest form is tried
_BLOCKS = (2, 4, 6, 8, 10)  # even, so that who comes when in turn stays the same


class Kind(NamedTuple):
    """What a template can tell of a message but its words."""

    role: Role
    is_empty: bool
    num_calls: int
    has_id: bool
    has_short_ids: bool
    same_id: tuple[int, int] | None = None  # of a result: how many messages before it the id was last, at which call


class MessageForms:
    """`try_render` renders messages as they are. `supports_system`: one system message at the beginning is in the
    prompt, when a user's is the last. `is_mistral`: the system text is in the last user's message, and users take
    turns, as in Mistral's first three versions. Their reference (mistral-common) always has a user first, joins what it
    is sent as neighbours, and takes a user after a user or a result otherwise: so does this, where their template,
    which refuses that, renders all of it."""

    def __init__(self, try_render: TryRender, *, supports_system: bool, is_mistral: bool = False) -> None:
        self._try_render = try_render
        system = _SYSTEM if supports_system else _SYSTEM[::-1]
        tools = (Repair.TOOL_IDS, Repair.CALLS_APART, Repair.TOOL_TEXT)
        self._forms = _combinations(((Repair.OPENING_USER,), system, (Repair.NEIGHBOURS,), tools, *_REST))
        if is_mistral:
            self._forms = (*_REFERENCE, *self._forms)
        self._plainest = (AS_IT_STANDS, *(frozenset({repair, *_PLAIN}) for repair in system))
        self._known: dict[Shape, Form] = {}

    def form_of(self, messages: Sequence[ChatMessage]) -> Form:
        """The template is tried when the shape is new."""
        shape = shape_of(messages)
        form = self._known.get(shape)
        if form is None:
            form = self._find(shape)
            if len(self._known) >= _MAX_SHAPES:
                self._known.clear()
            self._known[shape] = form
        return form

    def _find(self, shape: Shape) -> Form:
        probe = _probe_of(shape)
        system = [_texts(message) for message in probe if message.role == "system"]
        others = _texts_of(probe)
        apart = _texts_of(repaired(probe, {Repair.CALLS_APART}))
        tried: set[tuple[Messages, bool]] = set()
        for form in self._forms if len(shape) <= _MAX_SEARCHED else self._plainest:
            passes_over_refusal = Repair.REFUSAL_PASSED_OVER in form
            if passes_over_refusal and not _are_calls_in_order(shape):
                continue
            attempt = repaired(probe, form), passes_over_refusal
            if attempt in tried:
                continue
            tried.add(attempt)
            render = self._try_render(*attempt)
            expected = apart if Repair.CALLS_APART in form else others
            if render and _has_in_order(render, system) and _has_in_order(render, expected):
                return form
        return STRICTEST


def _combinations(choices: Sequence[Sequence[Repair]]) -> tuple[Form, ...]:
    rank = {repair: index for index, repair in enumerate(itertools.chain(*choices))}
    picks = itertools.product(*((None, *group) for group in choices))
    forms = [frozenset(repair for repair in pick if repair) for pick in picks]
    return tuple(sorted(forms, key=lambda form: (len(form), sorted(rank[repair] for repair in form))))


def shape_of(messages: Sequence[ChatMessage]) -> Shape:
    """A block that stands there three times in a row counts twice."""
    shape: list[Kind] = []
    seen: dict[str, tuple[int, int]] = {}  # id → which message, which call of it
    for number, message in enumerate(messages):
        shape.append(_kind_of(message, number, seen))
        seen |= {call.tool_call_id: (number, min(index, 1)) for index, call in enumerate(message.tool_calls)}
        if message.tool_call_id:
            seen.setdefault(message.tool_call_id, (number, 0))
        for size in _BLOCKS:
            if len(shape) < 3 * size:
                break
            if (
                shape[-1] == shape[-1 - size]
                and shape[-size:] == shape[-2 * size : -size] == shape[-3 * size : -2 * size]
            ):
                del shape[-size:]
                break
    return tuple(shape)


def _are_calls_in_order(shape: Shape) -> bool:
    """Every call has an id such as Mistral's, and every result its call's."""
    return all(
        kind.has_short_ids and (kind.num_calls or kind.same_id)
        for kind in shape
        if kind.num_calls or kind.role == "tool"
    )


def _kind_of(message: ChatMessage, number: int, seen: Mapping[str, tuple[int, int]]) -> Kind:
    last = seen.get(message.tool_call_id) if message.tool_call_id else None
    ids = _ids(message)
    return Kind(
        role=message.role,
        is_empty=not message.content or message.content.isspace(),
        num_calls=min(len(message.tool_calls), 2),
        has_id=bool(ids) and all(ids),
        has_short_ids=bool(ids) and all(has_short_id(tool_call_id) for tool_call_id in ids),
        same_id=(number - last[0], last[1]) if last else None,
    )


def _ids(message: ChatMessage) -> list[str]:
    ids = [call.tool_call_id for call in message.tool_calls]
    return [*ids, message.tool_call_id] if message.tool_call_id else ids


def _probe_of(shape: Shape) -> Messages:
    messages: list[ChatMessage] = []
    for number, kind in enumerate(shape):
        calls = tuple(_probe_call(kind, f"{number:03d}{index}") for index in range(kind.num_calls))
        tool_call_id = None
        if kind.has_id and not calls:
            back, index = kind.same_id or (0, 0)
            ids = _ids(messages[-back]) if 0 < back <= len(messages) else []
            tool_call_id = ids[index] if index < len(ids) else _probe_id(kind, f"{number:03d}0")
        content = "" if kind.is_empty else f"probe-{number:03d}-text"
        messages.append(ChatMessage(role=kind.role, content=content, tool_calls=calls, tool_call_id=tool_call_id))
    return tuple(messages)


def _probe_call(kind: Kind, number: str) -> ToolCall:
    arguments = f'{{"a": "probe-{number}-argument"}}'
    tool_call_id = _probe_id(kind, number) if kind.has_id else ""
    return ToolCall(tool_call_id=tool_call_id, name=f"probe_{number}_tool", arguments=arguments)


def _probe_id(kind: Kind, number: str) -> str:
    return f"probe{number}" if kind.has_short_ids else f"call_probe_{number}"


def _texts_of(messages: Messages) -> list[list[str]]:
    return [_texts(message) for message in messages if message.role != "system"]


def _texts(message: ChatMessage) -> list[str]:
    """Of a call its arguments."""
    arguments = [call.arguments[7:-2] for call in message.tool_calls]
    return [text for text in (message.content, *arguments) if text]


def _has_in_order(render: str, messages: Sequence[Sequence[str]]) -> bool:
    """Every message behind those before it; within one, templates have an order of their own."""
    position = 0
    for texts in messages:
        starts = [render.find(text, position) for text in texts]
        if -1 in starts:
            return False
        position = max((start + len(text) for start, text in zip(starts, texts, strict=True)), default=position)
    return True
