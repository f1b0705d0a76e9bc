"""Reads a server's /metrics: how much of its time passed inside llama_decode. Pure but for one GET."""

import re

from .client import Client, ClientError

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def parse(text: str) -> dict[str, float]:
    """Prometheus' text → {'name{labels}': value}, the model's label left out and its samples summed."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        sample = _SAMPLE.match(line)
        if sample is None:
            continue
        labels = [label for label in (sample[2] or "").split(",") if label and not label.startswith("model=")]
        name = f"{sample[1]}{{{','.join(labels)}}}" if labels else sample[1]
        found[name] = found.get(name, 0.0) + float(sample[3])
    return found


async def read(client: Client) -> dict[str, float]:
    """{} where there is no /metrics."""
    try:
        status, body = await client.get("/metrics")
    except ClientError:
        return {}
    return parse(body.decode("utf-8", "replace")) if status == 200 else {}


def between(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Figures of the engine over one measurement; {} for a server without bdchat's counters."""
    decode, outside, steps, generated = (
        after.get(name, 0.0) - before.get(name, 0.0)
        for name in (
            'bdchat_step_seconds_total{part="decode"}',
            'bdchat_step_seconds_total{part="outside"}',
            "bdchat_steps_total",
            "bdchat_generated_tokens_total",
        )
    )
    if decode <= 0:
        return {}
    return {
        "decode_s": decode,
        "outside_s": outside,
        "outside_share": outside / (decode + outside),
        "engine_steps": steps,
        "engine_generated_tokens": generated,
    }
