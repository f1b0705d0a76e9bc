"""Plays a history through a scheduler on a virtual clock, and holds what can be held after every step."""

from collections.abc import Sequence

from bdchat.engine.errors import AccountLimitReached, InvalidRequest, QueueFull
from bdchat.engine.model_runner import DecodeFailed, KVLayout, MemoryClass, NoKVSlot, Slice
from bdchat.engine.process.idle_care import IdleCare
from bdchat.engine.request import Event, Finished, Progress
from bdchat.engine.scheduling.engine_core import EngineCore
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.sequence import Sequence as Answer
from bdchat.engine.scheduling.telling.inspection import inspect, survey
from tests.engine.scheduling.laws.alone import prompts_of, shared_text
from tests.engine.scheduling.laws.books import Books
from tests.engine.scheduling.laws.callers import Caller, hold
from tests.engine.scheduling.laws.history import (
    Ask,
    Break,
    Cancel,
    Die,
    Forget,
    Happening,
    History,
    Look,
    Pass,
    RefuseBatch,
    RefuseSlots,
    Rest,
    Steps,
)
from tests.engine.scheduling.laws.machinery import (
    MachineRunner,
    MemoryDisk,
    PatternGrammar,
    VirtualClock,
    make_scheduler,
)
from tests.engine.scheduling.laws.places import LineWatch
from tests.engine.scheduling.laws.service import ServiceWatch

_STALLED_S = 0.01  # as the worker waits when nothing could be computed
_MAX_STALLS = 5


class Play:
    """One history with one scheduler after the other."""

    def __init__(self, history: History, kind: type[Scheduler] = Scheduler) -> None:
        self._history = history
        self._machine = history.machine
        self._kind = kind
        self._clock = VirtualClock()
        self._disk = MemoryDisk(self._machine.disk_bytes) if self._machine.disk_bytes else None
        self._prompts = prompts_of(history)
        self._callers: list[Caller] = []
        self._unheard: list[Event] = []  # what the last step said
        self._num_steps = 0
        self._num_stalls = 0
        self._seen: tuple[list[Answer], list[Answer]] | None = None  # what runs and waits, as of the last step
        self._start()

    def _start(self) -> None:
        self._runner = MachineRunner(self._machine, self._clock)
        self.scheduler = make_scheduler(self._machine, self._runner, self._clock, self._disk, self._kind)
        self._runner.on_refusal = self._excuse_refused
        self._core = EngineCore(self.scheduler, self._runner)
        self._books = Books(self.scheduler, self._runner)
        self._line = LineWatch(self._machine.layout)
        self._service = ServiceWatch(self.scheduler, self._history)

    def to_the_end(self) -> None:
        """Raises LawBroken, or whatever the scheduler raises."""
        for happening in self._history.happenings:
            self._happen(happening)
        self._run_to_rest()
        self._books.close(self._callers)
        for caller in self._callers:
            caller.judge(self._machine)

    def _happen(self, happening: Happening) -> None:
        self._seen = None
        if not isinstance(happening, Die):
            self._hear()
        match happening:
            case Ask():
                self._ask(happening)
            case Steps(num):
                for _ in range(num):
                    self._step()
            case Cancel(number):
                if number < len(self._callers):
                    self._cancel(self._callers[number])
            case Die(loses):
                self._die(loses=loses)
            case Break():
                self._excuse([c for c in self._callers if not c.is_done], "everything failed")
                self._take(self.scheduler.fail_all("told to"), since=self._clock.now)
            case RefuseSlots(num):
                self._runner.refuse_slots = num
            case RefuseBatch():
                self._runner.fail_decodes = 1
            case Pass(seconds):
                self._clock.now += seconds
            case Rest(seconds, keep_bytes):
                self._run_to_rest()
                self._care(seconds, keep_bytes)
            case Look(shared, num_shared):
                self._look(shared_text(shared, num_shared))
            case Forget(tag):
                self.scheduler.kv_cache.forget(tag)
                self.scheduler.drafts.recent.forget(tag)

    # --- what happens -------------------------------------------------------------------------------------------------

    def _ask(self, ask: Ask) -> None:
        number = len(self._callers)
        caller = Caller(number, ask, self._prompts[number], self._clock.now)
        self._callers.append(caller)
        running, waiting = self.scheduler.sequences()
        num_free, num_waiting = self._machine.num_places - len(running), len(waiting)
        try:
            self._give(caller)
        except QueueFull:
            is_full = num_waiting + ask.num_choices > self._machine.queue_limit + num_free
            hold("only a full queue refuses", is_full, ask)
        except InvalidRequest as error:
            needs_streams = ask.is_deterministic and self._machine.layout is KVLayout.UNIFIED
            hold("only what cannot be done is invalid", needs_streams, error)
        except AccountLimitReached as error:
            own = {a.request.request_id for a in waiting if a.request.user == ask.user and a.admitted_at is None}
            hold("only a limit refuses", 0 < ask.max_queued <= len(own), error)

    def _give(self, caller: Caller) -> None:
        pattern = caller.ask.pattern
        grammar = PatternGrammar(pattern) if pattern else None
        resumption = caller.resumption(self._clock.now) if caller.accepted is not None else None
        caller.accepted = self.scheduler.add(caller.request, caller.prompt, resumption, grammar)
        self._books.arrive(caller)

    def _cancel(self, caller: Caller) -> None:
        was_done = caller.is_done
        self.scheduler.cancel(caller.request.request_id)
        caller.is_cancelled = True
        self._books.num_cancelled += not was_done
        self._take(self.scheduler.take_events(), since=self._clock.now)
        self._hear()
        hold("who is cancelled is told at once", caller.is_done, caller.ask)

    def _die(self, *, loses: bool) -> None:
        if loses:
            self._books.lose(self._unheard)
            self._unheard = []
        self._hear()
        self._books.close(self._callers)
        self._start()
        for caller in self._callers:
            if not caller.is_done:
                self._give(caller)

    def _care(self, seconds: float, keep_bytes: int) -> None:
        care = IdleCare(
            self.scheduler.kv_cache,
            self._runner,
            idle_s=10.0,
            keep_bytes=keep_bytes,
            short_bytes=0,
            free_bytes=lambda: 1,
            clock=self._clock,
        )
        end = self._clock.now + seconds
        while self._clock.now < end and (pause_s := care.rest()) is not None:
            self._clock.now += max(pause_s, 0.001)
            self._books.check((), ())

    def _look(self, tokens: list[int]) -> None:
        before = self.scheduler.metrics()
        inspect(self.scheduler, self._clock.now)
        survey(self.scheduler, tokens)
        hold("who looks changes nothing", before == self.scheduler.metrics())

    # --- steps --------------------------------------------------------------------------------------------------------

    def _run_to_rest(self) -> None:
        most = (
            self._num_steps
            + 100
            + 4 * sum(caller.ask.num_choices * (len(caller.prompt) + caller.ask.max_tokens) for caller in self._callers)
        )
        while self.scheduler.has_work:
            self._step()
            hold("all work comes to an end", self._num_steps <= most, f"{most} steps")
        self._hear()
        self.scheduler.kv_cache.check()

    def _step(self) -> None:
        self._hear()
        if not self.scheduler.has_work:
            return
        self._num_steps += 1
        runner, began_at = self._runner, self._clock.now
        num_decodes, num_refusals = runner.num_decodes, (runner.refuse_slots, runner.fail_decodes)
        self._line.before(*(self._seen or self._see()))
        events = self._core.step()
        was_refused = num_refusals != (runner.refuse_slots, runner.fail_decodes)
        self._take(events, since=began_at)
        running, waiting = self._see()
        self._books.check(running, waiting)
        self._service.after(waiting)
        self._line.after(running, waiting, events, began_at=began_at, now=self._clock.now)
        if events or was_refused or runner.num_decodes != num_decodes:
            self._num_stalls = 0
        else:
            self._num_stalls += 1
            self._clock.now += _STALLED_S
            hold("work goes on", self._num_stalls <= _MAX_STALLS, self.scheduler.sequences())

    def _see(self) -> tuple[list[Answer], list[Answer]]:
        """Those that run and those that wait, in order: asked once a step, for it is not cheap."""
        running, waiting = self.scheduler.sequences()
        self._seen = list(running), waiting
        return self._seen

    def _excuse_refused(self, slices: Sequence[Slice], error: Exception) -> None:
        """A refused batch may fail its own sequences, a missing slot the only one that runs."""
        running = self.scheduler.sequences()[0]
        if isinstance(error, NoKVSlot):
            is_told = self._runner.is_told_to_refuse or self._machine.memory_class is MemoryClass.SWA
            hold("the ledger knows when cells run out", is_told, error)
        if isinstance(error, DecodeFailed) or len(running) == 1:
            asked = {piece.seq_id for piece in slices}
            for sequence in running:
                if sequence.seq_id in asked:
                    self._caller(sequence.request.request_id).excuses[sequence.index] = "refused by llama.cpp"

    def _take(self, events: list[Event], *, since: float) -> None:
        """`since`: when what they tell began."""
        for event in events:
            if isinstance(event, Finished):
                self._books.end(event, self._caller(event.request_id), since=since, now=self._clock.now)
        self._unheard += events

    def _hear(self) -> None:
        for event in self._unheard:
            caller = self._caller(event.request_id)
            if isinstance(event, Progress):
                hold("only who asks hears of progress", caller.ask.wants_progress, event)
            else:
                caller.hear(event)  # type: ignore[arg-type]
        self._unheard = []

    def _caller(self, request_id: str) -> Caller:
        return self._callers[int(request_id[1:])]

    def _excuse(self, callers: list[Caller], why: str) -> None:
        for caller in callers:
            for index, choice in enumerate(caller.choices):
                if choice.finished is None:
                    caller.excuses[index] = why
