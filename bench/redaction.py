"""How fast a program's output passes through the redactor, beside a plain copy of the same chunks.

The text is like the log of a CI run, with a secret in one of some ten thousand lines. Ten secrets
are known under all their forms, one of them a private key of 28 lines.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from random import Random

from bench.harness import Figure, NotMeasured, medians
from shipway.apply.redaction import Redactor
from shipway.model.secret import Secret

CHUNK = 64 * 1024
CHUNKS_MADE = 256  # 16 MiB, passed through again and again
TIMES = 16
LIMIT_MB_S = 100.0
SECRET_EVERY = 10_000

LINES = (
    "\x1b[32m ✓\x1b[39m packages/core/src/queue.test.ts \x1b[2m({n} tests)\x1b[22m {n}ms",
    '{{"level":30,"time":1757{n}{n},"pid":{n},"hostname":"{hex}","msg":"GET /messages/{n} 200"}}',
    "#12 {n}.{n} Progress: resolved {n}, reused {n}, downloaded 0, added {n}",
    "src/handlers/send.ts:{n}:{n} - warning: '{hex}' is assigned a value but never used",
    'mongo-1  | {{"t":{{"$date":"2026-01-01T00:00:00.{n}Z"}},"s":"I","c":"NETWORK"}}',
    "    at Object.<anonymous> (node_modules/.pnpm/vitest@3.{n}/dist/chunk-{hex}.js:{n}:{n})",
    "sha256:{hex}{hex}: Pushed",
)


def secrets(random: Random) -> list[Secret]:
    """Ten secrets of the kinds that a service has: tokens, passwords, URLs, a private key."""
    key = "\n".join(base64.b64encode(random.randbytes(48)).decode() for _ in range(26))
    return [
        Secret(f"-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n"),
        Secret(base64.b64encode(b"AWS:" + random.randbytes(1200)).decode()),  # an ECR token
        Secret(f"mongodb+srv://sender:{random.randbytes(9).hex()}@cluster0.example.net/sender"),
        Secret("p\"ass'w&rd/<with>+all%of it"),
        *(Secret(random.randbytes(size).hex()) for size in (4, 8, 16, 18, 20, 32)),
    ]


def log(random: Random, known: list[Secret], size: int) -> bytes:
    """Lines of a log, of at least this many bytes."""
    lines: list[bytes] = []
    length = 0
    while length < size:
        form = random.choice(LINES)
        line = form.format(n=random.randrange(10, 9999), hex=random.randbytes(12).hex())
        if random.randrange(SECRET_EVERY) == 0:
            line += " token=" + random.choice(known).reveal()
        lines.append(line.encode() + b"\n")
        length += len(lines[-1])
    return b"".join(lines)


def redacting(chunks: list[bytes], redactor: Redactor) -> Callable[[], None]:
    """A contestant: all chunks, as many times, through one stream."""

    def work() -> None:
        stream = redactor.stream()
        told = sum(len(stream.feed(chunk)) for _ in range(TIMES) for chunk in chunks)
        told += len(stream.end())
        if not 0 < told < TIMES * sum(map(len, chunks)):
            raise NotMeasured("nothing was hidden")

    return work


def copying(chunks: list[bytes]) -> Callable[[], None]:
    """A contestant: the same chunks, copied."""

    def work() -> None:
        for _ in range(TIMES):
            for chunk in chunks:
                bytearray(chunk)

    return work


def run() -> list[Figure]:
    """Measure 256 MiB in chunks of 64 KiB, in turns with a copy of them."""
    random = Random(3)  # noqa: S311 - the same log in each run
    known = secrets(random)
    text = log(random, known, CHUNK * CHUNKS_MADE)
    chunks = [text[at : at + CHUNK] for at in range(0, CHUNK * CHUNKS_MADE, CHUNK)]
    megabytes = TIMES * CHUNKS_MADE * CHUNK / 1e6
    taken_s = medians({"redaction": redacting(chunks, Redactor(known)), "a copy": copying(chunks)})
    return [
        Figure(
            name="redaction",
            value=megabytes / taken_s["redaction"],
            unit="MB/s",
            limit=LIMIT_MB_S,
            peer_name="a copy",
            peer_value=megabytes / taken_s["a copy"],
            more_is_better=True,
        )
    ]
