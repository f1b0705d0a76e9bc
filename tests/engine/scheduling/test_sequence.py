"""Where an answer to a chat ends: at the marks of the model's template, which nobody sees."""

import msgspec

from bdchat.engine.request import ChatMessage, ChatPrompt, FinishReason, SamplingParams
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import PROMPT, ask, run
from tests.fakes import FakeRunner, spell_out


def test_a_template_s_marks_end_the_answer_to_a_chat_and_never_show() -> None:
    """Texts and tokens; raw prompts and measurements go on over them. They are no stop strings of the caller's."""
    text = bytes(spell_out(PROMPT, 12)).decode()
    chat = msgspec.structs.replace(
        ask(PROMPT, max_tokens=12), prompt=ChatPrompt(messages=(ChatMessage(role="user", content="hi"),))
    )
    measured = msgspec.structs.replace(chat, sampling=SamplingParams(max_tokens=12, temperature=0.0, ignore_eos=True))
    for request, marks, shown in (
        (chat, {"end_texts": (text[5:8],)}, text[: text.index(text[5:8])]),
        (chat, {"end_token_ids": (ord(text[6]),)}, text[: text.index(text[6])]),
        (ask(PROMPT, max_tokens=12), {"end_texts": (text[5:8],), "end_token_ids": (ord(text[6]),)}, text),
        (measured, {"end_texts": (text[5:8],), "end_token_ids": (ord(text[6]),)}, text),
    ):
        runner = FakeRunner()
        runner.info = msgspec.structs.replace(runner.info, **marks)
        scheduler = Scheduler(runner)
        scheduler.add(request, list(PROMPT))
        heard = run(scheduler)
        assert heard.text["r", 0] == shown
        reason = FinishReason.LENGTH if shown == text else FinishReason.STOP
        assert (heard.finished["r", 0].reason, heard.finished["r", 0].stop) == (reason, None)


def test_a_mark_that_is_cut_off_is_not_shown() -> None:
    """The answer's tokens are used up within `<|im_end|>`. What two signs were nobody knows: they are shown."""
    said = b"Hi<|im_end|> and more"
    for num_tokens, shown in ((4, "Hi<|"), (6, "Hi"), (2, "Hi"), (20, "Hi")):
        runner = FakeRunner(next_token=lambda tokens: said[len(tokens) - len(PROMPT)])
        runner.info = msgspec.structs.replace(runner.info, end_texts=("<|im_end|>",))
        scheduler = Scheduler(runner)
        chat = ChatPrompt(messages=(ChatMessage(role="user", content="hi"),))
        scheduler.add(msgspec.structs.replace(ask(PROMPT, max_tokens=num_tokens), prompt=chat), list(PROMPT))
        assert run(scheduler).text["r", 0] == shown
