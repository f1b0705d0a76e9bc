"""What was sent is in the prompt, in its order, whatever a template demands; as it stands where it is taken so."""

import random
from collections.abc import Sequence

import pytest
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bdchat.engine.request import ChatMessage, ChatPrompt
from bdchat.engine.text.chat_template import ChatTemplate
from bdchat.engine.text.message_forms import AS_IT_STANDS, MessageForms, shape_of
from bdchat.engine.text.repairs import Messages, Repair, repaired
from tests.engine.text.template_styles import SHAPES, STYLES, answer, calls, result, system, user

TEMPLATES = {name: ChatTemplate(source, "<s>", "</s>") for name, source in STYLES.items()}


def rendered(style: str, messages: Sequence[ChatMessage]) -> str:
    return "".join(segment.text for segment in TEMPLATES[style].render(ChatPrompt(messages=tuple(messages))))


def has_all(text: str, messages: Sequence[ChatMessage]) -> bool:
    """System texts among themselves, and the rest among itself."""
    for is_system in (True, False):
        position = 0
        for message in messages:
            if (message.role == "system") is not is_system:
                continue
            words = [message.content.strip(), *(call.arguments[7:-2] for call in message.tool_calls)]
            ends = [text.find(word, position) + len(word) if word in text[position:] else -1 for word in words if word]
            if -1 in ends:
                return False
            position = max(ends, default=position)
    return True


def rendered_as_it_stands(style: str, messages: Sequence[ChatMessage]) -> str | None:
    """By Jinja alone. None: the template refuses."""

    def refuse(message: str) -> None:
        raise JinjaError(message)

    template = TEMPLATES[style]
    sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    sandbox.globals["raise_exception"] = refuse
    sandbox.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    given = [
        {
            "role": message.role,
            "content": [{"type": "text", "text": message.content}] if template.wants_parts else message.content,
            **({"tool_call_id": message.tool_call_id} if message.tool_call_id is not None else {}),
            **({"tool_calls": [_as_object(call) for call in message.tool_calls]} if message.tool_calls else {}),
        }
        for message in messages
    ]
    try:
        return sandbox.from_string(STYLES[style]).render(
            messages=given, bos_token="<s>", eos_token="</s>", add_generation_prompt=True
        )
    except (JinjaError, TypeError):
        return None


def _as_object(call: object) -> dict[str, object]:
    name, arguments = call.name, {"q": call.arguments[7:-2]}  # type: ignore[attr-defined]
    return {"id": call.tool_call_id, "type": "function", "function": {"name": name, "arguments": arguments}}  # type: ignore[attr-defined]


@pytest.mark.parametrize("style", STYLES)
def test_what_was_sent_is_in_the_prompt_in_its_order(style: str) -> None:
    apart = {name: repaired(messages, {Repair.CALLS_APART}) for name, messages in SHAPES.items()}
    texts = {name: rendered(style, messages) for name, messages in SHAPES.items()}
    lost = {name for name, text in texts.items() if not has_all(text, SHAPES[name])}
    assert lost == ({"two calls"} if style == "one call at a time" else set())
    assert all(has_all(texts[name], apart[name]) for name in lost)


@pytest.mark.parametrize("style", STYLES)
def test_what_a_template_takes_is_given_to_it_as_it_stands(style: str) -> None:
    taken = {name: rendered_as_it_stands(style, messages) for name, messages in SHAPES.items()}
    taken = {name: text for name, text in taken.items() if text and has_all(text, SHAPES[name])}
    assert {name: rendered(style, SHAPES[name]) for name in taken} == taken
    assert "a question" in taken or style in {"functions unset", "loops over tools"}


def test_a_template_without_demands_is_given_every_shape_as_it_stands() -> None:
    forms = TEMPLATES["takes everything"]._forms
    changed = {name for name, messages in SHAPES.items() if forms.form_of(messages)}
    assert changed == {name for name, messages in SHAPES.items() if any(m.tool_calls for m in messages)}


@pytest.mark.parametrize("style", STYLES)
def test_mixtures_of_shapes_are_in_the_prompt_too(style: str) -> None:
    rng = random.Random(style)
    for _ in range(20):
        makers = rng.choices([system, user, user, answer, answer, result], k=rng.randrange(1, 9)) * rng.choice(
            (1, 1, 4)
        )
        messages = [make(f"text{index:03d}") for index, make in enumerate(makers)]
        assert has_all(rendered(style, messages), messages), makers


@pytest.mark.parametrize(
    ("style", "shape", "prompt"),
    [
        ("turns after the system", "two users", "<user>one\n\ntwo</s><assistant>"),
        ("turns after the system", "an assistant first", "<user></s><assistant>one</s><user>two</s><assistant>"),
        ("turns after the system", "two systems", "<system>rule\n\nlaw<user>one</s><assistant>"),
        ("no system, raises", "two systems", "<user>rule\n\nlaw\n\none</s><assistant>"),
        (
            "no system, raises",
            "a system text and an assistant",
            "<user>rule</s><assistant>one</s><user>two</s><assistant>",
        ),
        ("ends with the user", "an answer last", "<user>one</s><assistant>two</s><user></s><assistant>"),
        ("no empty answer", "an answer that said nothing", "<user>one</s><user>two</s><assistant>"),
        (
            "turns after the system",
            "an imported tool chain",
            "<user>one</s><assistant>Let me look.</s><user><tool_response>\n828 m\n</tool_response></s>"
            "<assistant>three</s><user>four</s><assistant>",
        ),
        ("the last message only", "an answer last", "<user>user: one\n\nassistant: two<assistant>"),
    ],
)
def test_the_form_is_the_least_change_that_the_template_takes(style: str, shape: str, prompt: str) -> None:
    assert rendered(style, SHAPES[shape]) == prompt


def test_a_call_is_told_in_words_where_the_template_has_none() -> None:
    messages = [user("one"), calls("a", content="two"), result("828 m", "a"), user("three")]
    assert rendered("known roles only", messages) == (
        '<user>one</s><assistant>two\n\n<tool_call>\n{"name": "look", "arguments": {"q": "words0"}}\n</tool_call></s>'
        "<user><tool_response>\n828 m\n</tool_response></s><user>three</s><assistant>"
    )


def test_ids_that_the_template_refuses_are_replaced_for_a_call_and_its_result_alike() -> None:
    sent = [user("one"), calls("call_0123456789"), result("828 m", "call_0123456789")]
    text = rendered("mistral v0.3", sent)
    called, returned = text.split('"id": "')[1][:9], text.split('"call_id": "')[1][:9]
    assert called == returned
    assert called.isalnum()
    assert rendered("mistral v0.3", [user("one"), calls(""), result("828 m")]).count('"') == text.count('"')


def test_a_growing_chat_is_tried_once() -> None:
    tried: list[Messages] = []

    def take(messages: Messages, passes_over_refusal: bool) -> str:
        assert not passes_over_refusal
        tried.append(messages)
        return " ".join(message.content for message in messages)

    forms = MessageForms(take, supports_system=True)
    chat = [system("rule"), user("one"), user("two")]
    for _ in range(3):
        chat += [answer("three"), user("four")]
        assert forms.form_of(chat) == AS_IT_STANDS
    num_tried = len(tried)
    for _ in range(50):
        chat += [answer("three"), user("four")]
        forms.form_of(chat)
    assert len(tried) == num_tried <= 3
    assert len(shape_of(chat)) <= 9


def test_of_a_long_and_wild_conversation_only_the_plainest_forms_are_tried() -> None:
    tried: list[Messages] = []

    def refuse(messages: Messages, passes_over_refusal: bool) -> str:
        tried.append(messages)
        return ""

    rng = random.Random(7)
    wild = [rng.choice((system, user, answer, result))(str(number)) for number in range(400)]
    assert MessageForms(refuse, supports_system=True).form_of(wild) == {Repair.ONE_MESSAGE}
    assert len(tried) <= 4


def test_a_refusal_that_no_shape_shows_is_met_too() -> None:
    """The template counts something that trying it did not: all is told in one message rather than refused."""
    source = "{% if messages | length > 1 and 'two' in messages[1].content %}{{ raise_exception('no') }}{% endif %}"
    picky = ChatTemplate(source + STYLES["takes everything"], "<s>", "</s>")
    prompt = ChatPrompt(messages=(user("one"), answer("two"), user("three")))
    text = "".join(segment.text for segment in picky.render(prompt))
    assert text == "<user>user: one\n\nassistant: two\n\nuser: three</s><assistant>"


def test_a_template_that_takes_one_call_at_a_time_is_given_each_with_its_result() -> None:
    text = rendered("one call at a time", SHAPES["two calls"])
    places = [text.index(words) for words in ("words0", "9", "words1", "7")]
    assert places == sorted(places)


def test_calls_apart_keep_their_thought_their_order_and_results_that_answer_none() -> None:
    both = calls("abcDEF123", "abcDEF124", content="Look.")
    messages = (user("one"), both, result("seven", "abcDEF124"), result("nine", "abcDEF123"), result("x", "abcDEF999"))
    apart = repaired(messages, {Repair.CALLS_APART})
    assert [(m.role, m.content, [call.tool_call_id for call in m.tool_calls]) for m in apart] == [
        ("user", "one", []),
        ("assistant", "Look.", []),
        ("assistant", "", ["abcDEF124"]),
        ("tool", "seven", []),
        ("assistant", "", ["abcDEF123"]),
        ("tool", "nine", []),
        ("tool", "x", []),
    ]
    unanswered = repaired((user("one"), both), {Repair.CALLS_APART})[2:]
    assert unanswered == tuple(ChatMessage(role="assistant", tool_calls=(call,)) for call in both.tool_calls)
