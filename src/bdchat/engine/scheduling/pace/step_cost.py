"""How long a step takes, learned from the steps themselves. Pure: numbers in, numbers out; no clock, no cells.

A step's time is a sum of what its passes, its tokens with and without logits and the cells they look at take. The four
prices begin as calibration found them and are corrected by each step (a Kalman filter on relative errors): a machine
that slows down moves all of them, a long prompt that of cells. A step that was disturbed counts as little late only,
and prices are never negative. What the sum does not know of a number of answers (kernels for 1, 4 and 8 rows differ) is
kept beside it as a factor.
"""

from collections.abc import Sequence

from bdchat.engine.drafting.check_cost import CheckCost
from bdchat.engine.scheduling.pace.step_shape import StepShape

ERROR = 0.06  # of a step's time, as the sum of four prices tells it: median on three layouts here
BELIEVED_ERRORS = 2.5  # an observation is believed so many usual errors far at most
MAX_NOISE = 0.15  # of a step's time; larger errors say that the prices are wrong
SPEED_DRIFT, PRICE_DRIFT = 0.02, 0.004  # from step to step: of all prices together, and of each while they are right
UNSURE = 0.7  # of a price, at the beginning and at most
LEAST_SCALE = 0.3  # of a price at the beginning: one that fell to nothing can rise again
CELL_SHARE = 0.1  # of a prompt token's price, for looking at 1,000 cells: the first guess (0.04 at 7B, 0.35 at 135M)
FACTOR_SMOOTHING = 0.2  # weight of the newest observation
LATE_SHARE, LATE_LEARNING = 0.05, 0.02  # so many steps may take longer than told with the margin
MIN_MARGIN, FIRST_MARGIN, MAX_MARGIN = 1.02, 1.1, 1.5
PROMPT_PASS = 256  # prompt tokens in a pass, where a prompt is read alone


class StepCost:
    """Owned by the scheduler."""

    def __init__(
        self,
        *,
        prefill_ms_per_token: float = 1.0,
        decode_base_ms: float = 10.0,
        decode_ms_per_sequence: float = 3.0,  # for each further one in the step
        is_streams: bool = True,  # unlike numbers of tokens are passes of their own
        row_weight: float = 1.0,  # of cells that a few tokens of a sequence look at (step_shape.py)
    ) -> None:
        self.row_weight = row_weight
        output_ms = max(decode_ms_per_sequence, 0.05 * decode_base_ms)
        pass_ms = max(decode_base_ms - output_ms, 0.05 * decode_base_ms)
        silent_ms = max(1e-6, prefill_ms_per_token)
        self._is_streams = is_streams
        self._prices = [pass_ms, output_ms, silent_ms, CELL_SHARE * silent_ms / 1000]
        self._least_scales = [LEAST_SCALE * price for price in self._prices]
        self._doubts = [[0.0] * 4 for _ in range(4)]  # covariance of the prices
        for place, price in enumerate(self._prices):
            self._doubts[place][place] = (UNSURE * price) ** 2
        self._error = ERROR
        self._factors: dict[int, float] = {}  # answers in a step → taken ÷ told
        self._margin = FIRST_MARGIN
        self._depth = 0.0  # of answers that are being written, smoothed
        self._check = CheckCost()

    def observe(self, shape: StepShape, *, step_ms: float, num_decodes: int, num_drafted: int = 0) -> None:
        """`num_decodes`: answers that got their next token; drafted ones are in the shape too."""
        self._check.pass_by()
        if num_drafted:
            num_tokens = num_decodes + num_drafted
            self._check.observe(num_sequences=num_decodes, num_tokens=num_tokens, step_ms=step_ms)
            return
        told_ms = self.shape_ms(shape, num_decodes)
        is_only_decodes = num_decodes > 0 and not shape.num_silent and shape.num_outputs == num_decodes
        if is_only_decodes:
            depth = shape.num_attended / num_decodes / self.row_weight
            self._depth += FACTOR_SMOOTHING * (depth - self._depth)
        elif num_decodes:
            is_late = step_ms > self._margin * told_ms
            self._margin += LATE_LEARNING * (is_late - LATE_SHARE)
            self._margin = min(max(MIN_MARGIN, self._margin), MAX_MARGIN)
        self._learn(shape, step_ms)
        if is_only_decodes:
            factor = self._factors.get(num_decodes, 1.0)
            observed = min(max(0.5, step_ms / max(self._sum_ms(shape), 1e-6)), 2.0)
            believed = BELIEVED_ERRORS * self._error
            self._factors[num_decodes] = factor + FACTOR_SMOOTHING * min(max(-believed, observed - factor), believed)

    @property
    def margin(self) -> float:
        """By which nineteen of twenty steps that read prompts beside answers take at most longer than told."""
        return self._margin

    def shape_ms(self, shape: StepShape, num_decodes: int) -> float:
        """Expected time of a step in which so many answers get their next token."""
        factor = self._factors.get(num_decodes, 1.0)
        if factor == 1.0:
            return self._sum_ms(shape)
        silent_ms = shape.num_silent * self._prices[2]
        return (self._sum_ms(shape) - silent_ms) * factor + silent_ms

    def step_ms(self, num_decodes: int, num_prefill: int = 0, depth: int | None = None) -> float:
        """Expected time of a step of so many answers and prompt tokens. `depth`: tokens that each of them, and the
        prompt, has in the cells already; None: as those that are being written have."""
        deep = self._depth if depth is None else depth
        num_passes = 1 + (self._is_streams and num_decodes > 0 and num_prefill > 1)
        attended = num_decodes * deep * self.row_weight + num_prefill * ((depth or 0) + num_prefill / 2)
        return self.shape_ms(StepShape(num_passes, num_decodes, num_prefill, attended), num_decodes)

    def base_ms(self, num_decodes: int) -> float:
        """Expected time of a step that only decodes."""
        return self.step_ms(num_decodes) if num_decodes else 0.0

    def check_ms(self, num_decodes: int, num_drafted: int) -> float:
        """Expected time of a step that checks so many guessed tokens beside the decodes' own."""
        return self._check.step_ms(
            num_sequences=num_decodes,
            num_tokens=num_decodes + num_drafted,
            base_ms=self.base_ms(num_decodes),
            token_ms=self._prices[2],
        )

    def prefill_ms(self, num_tokens: int, depth: int = 0) -> float:
        """Expected time to read so many tokens of one prompt behind `depth` others, alone."""
        num_passes = -(-num_tokens // PROMPT_PASS)
        return self._sum_ms(StepShape(num_passes, 0, num_tokens, num_tokens * (depth + num_tokens / 2)))

    @property
    def prices(self) -> tuple[float, ...]:
        """ms of a pass, an output, a silent token, a cell looked at."""
        return tuple(self._prices)

    @property
    def pass_ms(self) -> float:
        return self._prices[0]

    @property
    def token_ms(self) -> float:
        """Of a prompt, without what it looks at."""
        return self._prices[2]

    def _sum_ms(self, shape: Sequence[float]) -> float:
        a, b, c, d = self._prices
        return a * shape[0] + b * shape[1] + c * shape[2] + d * shape[3]

    def _learn(self, shape: StepShape, step_ms: float) -> None:
        prices, doubts = self._prices, self._doubts
        told_ms = max(self._sum_ms(shape), 1e-6)
        x = [amount / told_ms for amount in shape]
        self._doubt_more()
        weights = [row[0] * x[0] + row[1] * x[1] + row[2] * x[2] + row[3] * x[3] for row in doubts]
        spread = sum([w * v for w, v in zip(weights, x, strict=True)]) + min(self._error, MAX_NOISE) ** 2
        surprise = step_ms / told_ms - 1
        most = BELIEVED_ERRORS * max(self._error, spread**0.5)
        believed = min(max(-most, surprise), most)
        usual = min(abs(surprise), 2 * most)
        self._error = min(max(0.03, self._error + 0.05 * (1.25 * usual - self._error)), 0.3)
        for i in range(4):
            gain = weights[i] / spread
            prices[i] = max(0.0, prices[i] + gain * believed)
            for j in range(4):
                doubts[i][j] -= gain * weights[j]

    def _doubt_more(self) -> None:
        """What may have changed since the last step. A price that no step tells of is in no more doubt than at the
        beginning, relative to what it is now."""
        prices, doubts = self._prices, self._doubts
        price_drift = PRICE_DRIFT * max(1.0, self._error / ERROR)
        for i in range(4):
            row, drift = doubts[i], SPEED_DRIFT * SPEED_DRIFT * prices[i]
            for j in range(4):
                row[j] += drift * prices[j]
            scale = max(prices[i], self._least_scales[i])
            row[i] += (price_drift * scale) ** 2
        for i in range(4):
            most = (UNSURE * max(prices[i], self._least_scales[i])) ** 2
            if doubts[i][i] > most:
                share = (most / doubts[i][i]) ** 0.5
                for j in range(4):
                    doubts[i][j] *= share
                    doubts[j][i] *= share
