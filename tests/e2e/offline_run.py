"""Run inside a network namespace of its own, with the loopback alone: serves the default model, chats once,
and prints what the kernel counted of attempts to reach anything else (`OutNoRoutes` of /proc/net/snmp, and IPv6's)."""

import asyncio
import fcntl
import json
import socket
import struct
import sys
from pathlib import Path

import httpx

from tests.e2e.server_process import server_process
from tests.patience import PATIENCE_S

SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x1 | 0x40


def num_attempts() -> int:
    """Sends and connects that found no route, since the namespace began."""
    names, values = (line.split()[1:] for line in Path("/proc/net/snmp").read_text().splitlines() if line[:3] == "Ip:")
    count = int(dict(zip(names, values, strict=True))["OutNoRoutes"])
    for line in Path("/proc/net/snmp6").read_text().splitlines():
        if line.startswith("Ip6OutNoRoutes"):
            count += int(line.split()[1])
    return count


def attempt_is_counted() -> bool:
    """While even the loopback is down, a send to it must be seen: a counter that never moves would prove nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.sendto(b"x", ("127.0.0.1", 9))
        except OSError:
            return num_attempts() > 0
    return False


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP_RUNNING))


async def chat(data_dir: Path, model: str) -> str:
    async with (
        server_process(data_dir, "--model", model, "--set", "engine.n_threads=1") as server,
        httpx.AsyncClient(timeout=2 * PATIENCE_S) as client,
    ):
        body = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8, "temperature": 0}
        reply = await client.post(f"{server.url}/v1/chat/completions", json=body)
        await client.get(f"{server.url}/metrics")
        assert await server.terminate() == 0
        return str(reply.json()["choices"][0]["message"]["content"])


def main(data_dir: str, model: str) -> None:
    counted = attempt_is_counted()
    before = num_attempts()
    bring_loopback_up()
    answer = asyncio.run(chat(Path(data_dir), model))
    sys.stdout.write(json.dumps({"counted": counted, "answer": answer, "attempts": num_attempts() - before}))


if __name__ == "__main__":
    main(*sys.argv[1:])
