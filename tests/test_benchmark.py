"""The bench: its statistics, its prompts, its client against a loopback server, its bars."""

import asyncio
import math
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from benchmark.__main__ import LLAMA_SERVER_FLAGS, jobs
from benchmark.arguments import parse
from benchmark.bars import bars, throughput_ratios
from benchmark.client import Client, ClientError, Reply
from benchmark.compare import Run
from benchmark.counters import between
from benchmark.counters import parse as parse_metrics
from benchmark.figures import Spread, geometric_mean, percentile
from benchmark.hardening import KILL_NEW_TOKENS, flaw
from benchmark.hostile import bodies
from benchmark.processes import ProcessTree
from benchmark.prompts import Shape, user, words
from benchmark.report import write_json
from benchmark.servers import Contender, ServerFailed, llama_server, started
from benchmark.workloads import STREAMS, Turn, least_possible, num_retokenised, streams
from tests.patience import PATIENCE_S
from tests.sse_server import DONE, HOLD, Answer, Asked, LoopbackServer, delta, event, json_answer, streamed, usage

NewLoop = Callable[[], asyncio.AbstractEventLoop]


LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]  # the bench runs on the second


def with_server(
    answer: Answer | Callable[[Asked], Answer],
    use: Callable[[LoopbackServer], Awaitable[None]],
    new_loop: NewLoop = asyncio.new_event_loop,
) -> None:
    async def scenario() -> None:
        respond = answer if callable(answer) else lambda _: answer
        async with asyncio.timeout(PATIENCE_S), LoopbackServer(respond) as server:
            await use(server)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())


# statistics


@pytest.mark.parametrize(("q", "expected"), [(0, 1.0), (50, 2.5), (95, 3.85), (100, 4.0)])
def test_a_percentile_lies_between_its_neighbours(q: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], q) == pytest.approx(expected)


def test_a_percentile_of_nothing_is_nan() -> None:
    assert math.isnan(percentile([], 50))


def test_the_geometric_mean_of_a_ratio_and_its_inverse_is_one() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert math.isnan(geometric_mean([]))
    assert math.isnan(geometric_mean([1.0, 0.0]))


def test_a_spread_leaves_out_what_was_not_measured() -> None:
    assert Spread.of([3.0, math.nan, 1.0, 2.0]) == Spread(1.0, 2.0, 3.0)


# prompts


def test_one_seed_gives_one_prompt_and_another_seed_another() -> None:
    assert words(random.Random("1"), 50) == words(random.Random("1"), 50)
    assert words(random.Random("1"), 50) != words(random.Random("2"), 50)


def test_the_shape_is_measured_by_two_prompts() -> None:
    def respond(asked: Asked) -> Answer:
        num_words = len(asked.body["messages"][0]["content"].split())
        return json_answer({"usage": {"prompt_tokens": 30 + 2 * num_words, "completion_tokens": 8}})

    async def use(server: LoopbackServer) -> None:
        shape = await Shape.measure(Client(server.base_url), random.Random("x"))
        assert (shape.num_template_tokens, shape.tokens_per_word) == (30, 2)
        assert shape.num_words(218) == 94

    with_server(respond, use)


# the client


@pytest.mark.parametrize("new_loop", LOOPS)
def test_an_answer_is_read_to_its_usage(new_loop: NewLoop) -> None:
    async def use(server: LoopbackServer) -> None:
        reply = await Client(server.base_url, api_key="k").stream([user("안녕")], 3)
        assert (reply.text, reply.finish_reason, reply.is_done) == ("안녕 😀!", "length", True)
        assert (reply.usage.prompt_tokens, reply.num_completion_tokens, reply.num_evaluated_tokens) == (10, 3, 6)
        assert len(reply.gaps_s) == 2
        assert 0 < reply.ttft_s <= reply.finished - reply.started
        assert server.asked[0].path == "/v1/chat/completions"
        assert server.asked[0].headers["authorization"] == "Bearer k"
        assert server.asked[0].body["ignore_eos"] is True

    with_server(streamed("안녕", " 😀", "!", cached=4), use, new_loop)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_events_are_whole_however_the_bytes_are_cut(size: int, is_chunked: bool) -> None:
    whole = b": ping\r\n\r\n" + b"".join(streamed("가나", "다", "라").parts).replace(b"\n\n", b"\r\n\r\n")
    parts = [whole[start : start + size] for start in range(0, len(whole), size)]

    async def use(server: LoopbackServer) -> None:
        assert (await Client(server.base_url).stream([user("x")], 3)).text == "가나다라"

    with_server(Answer(parts, is_chunked=is_chunked), use)


def test_the_role_is_no_first_token() -> None:
    async def use(server: LoopbackServer) -> None:
        reply = await Client(server.base_url).stream([user("x")], 2)
        assert len(reply.deltas) == 2
        assert len(reply.events) == 5

    with_server(streamed("a", "b"), use)


def test_a_refusal_is_an_error_with_its_status() -> None:
    async def use(server: LoopbackServer) -> None:
        with pytest.raises(ClientError, match="queue full") as caught:
            await Client(server.base_url).stream([user("x")], 2)
        assert caught.value.status == 503

    with_server(json_answer({"error": {"message": "queue full"}}, 503), use)


@pytest.mark.parametrize(
    "parts",
    [
        [event(delta("a"))],
        [event(delta("a")), event({"error": {"message": "engine died"}}), DONE],
        [event(delta("a")), b"data: {"],
    ],
)
def test_an_answer_that_breaks_off_is_an_error(parts: list[bytes]) -> None:
    async def use(server: LoopbackServer) -> None:
        with pytest.raises(ClientError):
            await Client(server.base_url).stream([user("x")], 2)

    with_server(Answer(parts), use)


def test_no_server_is_an_error_that_names_the_port() -> None:
    async def scenario() -> None:
        with pytest.raises(ClientError, match=r"127\.0\.0\.1:1:"):
            await Client("http://127.0.0.1:1/v1").usage([user("x")])

    asyncio.run(scenario())


def test_leaving_an_answer_closes_its_connection() -> None:
    async def use(server: LoopbackServer) -> None:
        exchange = await Client(server.base_url).start([user("x")], 2)
        await exchange.until(2)
        exchange.abort()
        await server.left.wait()
        assert len(exchange.events) == 2

    with_server(Answer([event(delta("a")), event(delta("b")), HOLD]), use)


def test_waiting_for_events_ends_with_the_connection() -> None:
    async def use(server: LoopbackServer) -> None:
        exchange = await Client(server.base_url).start([user("x")], 2)
        await exchange.until(1000)
        assert exchange.closed.done()

    with_server(streamed("a"), use)


# loads


def test_streams_send_enough_and_count_every_token() -> None:
    async def use(server: LoopbackServer) -> None:
        figures = await streams(Client(server.base_url), Shape(30, 1), 4, seed=1)
        assert figures["completion_tokens"] == 12 * 2
        assert figures["prompt_tokens_evaluated"] == 12 * 10
        prompts = {asked.body["messages"][0]["content"] for asked in server.asked}
        assert len(prompts) == 12
        assert {len(prompt.split()) for prompt in prompts} == {188}

    with_server(streamed("a", "b"), use)


def test_least_possible_counts_the_shared_prefix_once_and_nothing_twice() -> None:
    first = [Turn(640, 0, 32), Turn(640 + 31 + 40, 0, 32)]
    second = [Turn(650, 600, 32)]
    assert least_possible([first, second], num_shared_tokens=600) == 640 + 40 + 50


def test_a_hit_that_ends_inside_the_answer_is_a_retokenised_turn() -> None:
    def turns(cached: int) -> list[list[Turn]]:
        return [[Turn(100, 0, 32), Turn(170, cached, 32)]]

    assert num_retokenised(turns(131)) == 0  # all but the last sampled token
    assert num_retokenised(turns(110)) == 1
    assert num_retokenised(turns(50)) == 0  # the cells were gone: no matter of tokens


# bars


def run(server: str, workload: str, level: int, repeat: int = 0, **figures: float) -> Run:
    return Run(server, workload, level, repeat, figures)


def test_the_best_flags_of_each_level_are_what_we_compare_with() -> None:
    runs = [
        run("ours", "streams", 1, tokens_per_s=100),
        run("ours", "streams", 4, tokens_per_s=180),
        run("peer", "streams", 1, tokens_per_s=110),
        run("peer", "streams", 4, tokens_per_s=150),
        run("peer -fa off", "streams", 1, tokens_per_s=90),
        run("peer -fa off", "streams", 4, tokens_per_s=160),
    ]
    ratios = throughput_ratios(runs, "ours", ["peer", "peer -fa off"])
    assert [(each.level, each.best_name) for each in ratios] == [(1, "peer"), (4, "peer -fa off")]
    [bar] = bars(runs, "ours", ["peer", "peer -fa off"])
    assert not bar.passed  # 100/110 is below 0.98, though the mean is above 1
    assert "1.011" in bar.text


def test_bars_three_and_four() -> None:
    runs = [
        run("ours", "prefix", 8, evaluated_ratio=1.1),
        run("peer", "prefix", 8, evaluated_ratio=5.0),
        run("ours", "sessions", 4, evaluated_ratio=1.06, later_ttft_p50_ms=80),
        run("peer", "sessions", 4, evaluated_ratio=3.1, later_ttft_p50_ms=200),
        run("ours", "intrusion", 3, largest_gap_s=0.25, ttft_s=4.0),
        run("peer", "intrusion", 3, largest_gap_s=4.5, ttft_s=2.0),
    ]
    assert [(bar.number, bar.passed) for bar in bars(runs, "ours", ["peer"])] == [
        (3, True),
        (4, False),
        (4, True),
        (3, True),
        (3, False),
        (3, False),
    ]


def test_sixteen_streams_have_bars_of_their_own() -> None:
    runs = [
        run("ours", "streams", 16, tokens_per_s=100, gap_p95_ms=140, gap_max_ms=410, ttft_p95_ms=900),
        run("peer", "streams", 16, tokens_per_s=90, ttft_p95_ms=4000),
        run("peer -np 16", "streams", 16, tokens_per_s=80, ttft_p95_ms=1700),
    ]
    found = bars(runs, "ours", ["peer", "peer -np 16"])
    assert [bar.passed for bar in found] == [True, False, False]
    assert "peer -np 16 1700 ms: 0.53" in found[2].text


def test_the_share_outside_decode_comes_from_the_counters() -> None:
    text = """# HELP bdchat_step_seconds_total x
bdchat_step_seconds_total{model="m",part="decode"} %s
bdchat_step_seconds_total{model="m",part="outside"} %s
bdchat_steps_total{model="m"} 7.0
"""
    figures = between(parse_metrics(text % ("10.0", "1.0")), parse_metrics(text % ("107.5", "3.5")))
    assert figures["outside_share"] == pytest.approx(0.025)
    [bar] = bars([Run("ours", "streams", 16, 0, figures)], "ours", [])
    assert bar.passed
    assert between({}, {}) == {}


def test_flags_are_tried_for_throughput_only() -> None:
    ours = Contender("ours", ())
    others = [llama_server(Path("/bin/x"), Path("/m"), flags) for flags in LLAMA_SERVER_FLAGS]
    found = jobs(parse(["--quick"]), ours, others)
    assert [(job.workload.name, len(job.contenders)) for job in found] == [
        ("streams", 1 + len(LLAMA_SERVER_FLAGS)),
        ("sessions", 2),
        ("prefix", 2),
        ("intrusion", 2),
    ]
    assert found[0].levels == (1, 4)
    assert jobs(parse(["--workload", "kills"]), ours, others) == []
    assert jobs(parse(["--levels", "2", "--workload", "streams"]), ours, [])[0].levels == (2,)
    assert STREAMS.levels == (1, 4, 8, 16)


def test_results_are_written(tmp_path: Path) -> None:
    plot = pytest.importorskip("benchmark.plot")  # matplotlib comes with the bench's packages
    runs = [run("ours", "streams", level, tokens_per_s=100 + level, ttft_p50_ms=math.nan) for level in (1, 4)]
    write_json(tmp_path / "r.json", runs, bars(runs, "ours", []), {})
    plot.write_plot(tmp_path / "r.png", runs)
    assert '"ttft_p50_ms": null' in (tmp_path / "r.json").read_text("utf-8")
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


# hardening


def kill_reply(*texts: str, count: int = KILL_NEW_TOKENS, completion: int = KILL_NEW_TOKENS) -> Reply:
    entries = [{"token": text, "logprob": -1.0, "bytes": list(text.encode())} for text in texts]
    entries += [{"token": "", "logprob": -1.0, "bytes": []}] * (count - len(entries))
    events = [event(delta(text)) for text in texts[:-1]]
    last = event(delta(texts[-1], finish_reason="length", logprobs={"content": entries}))
    parts = [*events, last, event(usage(10, completion))]
    return Reply(0.0, 1.0, [(0.5, part[6:]) for part in parts], is_done=True)


def test_a_whole_answer_has_no_flaw() -> None:
    assert flaw(kill_reply("가", "나", "!")) is None


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (ClientError(0, "broke off"), "broke off"),
        (kill_reply("a", "b", count=KILL_NEW_TOKENS - 1), "127 listed"),
        (kill_reply("a", "b", completion=127), "127 tokens in usage"),
        (Reply(0.0, 1.0, [(0.1, event(delta("a"))[6:])], is_done=False), "[DONE] missing"),
    ],
)
def test_a_lost_end_or_token_is_a_flaw(reply: Reply | ClientError, said: str) -> None:
    assert said in (flaw(reply) or "")


def test_a_doubled_character_is_a_flaw() -> None:
    reply = kill_reply("a", "b")
    reply.deltas.append(reply.deltas[0])
    assert "not what its tokens spell" in (flaw(reply) or "")


def test_hostile_requests_are_many_and_named_once() -> None:
    names = [name for name, _, _ in bodies("m")]
    assert len(names) == len(set(names)) >= 200


# processes


def test_a_server_that_ends_at_start_is_reported_with_its_log(tmp_path: Path) -> None:
    contender = Contender("broken", (sys.executable, "-c", "import sys; sys.exit('no model here')"))

    async def scenario() -> None:
        with pytest.raises(ServerFailed, match="no model here"):
            async with started(contender, tmp_path):
                pass

    asyncio.run(scenario())


def test_a_server_is_ended_with_its_children(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    program = (
        f"{child}\nimport http.server as h\nh.test(h.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"
    )
    contender = Contender("family", (sys.executable, "-c", program, "{port}"), ready_path="/")

    async def scenario() -> None:
        async with started(contender, tmp_path) as running:
            assert running.tree is not None
            family = running.tree.processes()
            assert len(family) == 2
            assert running.tree.cpu_seconds() > 0
            assert running.tree.peak_memory_bytes() >= running.tree.memory_bytes() * 0.9 > 0
        assert not any(process.is_running() and process.status() != "zombie" for process in family)

    with pytest.raises(ClientError, match="404"):  # it has no /v1/models
        asyncio.run(scenario())


def test_a_tree_that_is_gone_has_spent_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        tree = ProcessTree(child.pid)
    assert (tree.cpu_seconds(), tree.memory_bytes(), tree.largest_child()) == (0, 0, None)
