"""What it costs a step that we listen to it: a program that prints 1 GB, beside `program > file`.

The program prints lines as a test runner does, 4 KiB at a time, as stdio writes to a pipe; by
`writeSync`, since `process.stdout` is itself slower on a pipe than on a file, whoever reads. Ours
goes the whole way of a step's output: through `LocalShell.stream`, the redactor with ten secrets,
and into a log file. Both are whole processes.
"""

from __future__ import annotations

import filecmp
import sys
import tempfile
from pathlib import Path
from random import Random

from bench.harness import Figure, NotMeasured, medians, program
from bench.redaction import secrets
from shipway.adapters.files import DiskFiles
from shipway.adapters.shell import LocalShell
from shipway.apply.redaction import Redactor

ROOT = Path(__file__).resolve().parents[1]

BYTES = 1_000_000_000
ROUNDS = 5
RATIO_LIMIT = 1.2
MEMORY_LIMIT_MB = 150.0
PEAK = "VmHWM:"  # in /proc/self/status, in kB
PRINTER = f"""
const line = (n) =>
  `[sender] PASS orders > accepts order number ${{String(n).padStart(9, '0')}} in time (3 ms)\\n`
let printed = 0
for (let n = 0; printed < {BYTES}; ) {{
  let chunk = ''
  while (chunk.length < 4096) chunk += line(n++)
  require('node:fs').writeSync(1, chunk)
  printed += chunk.length
}}
"""


def run() -> list[Figure]:
    """Measure the time that we add, and the memory that we need at most."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "printer.js").write_text(PRINTER, encoding="utf-8")
        ours, kernels = "shipway's stream", "redirected"
        taken_s = medians(
            {
                ours: program((sys.executable, "-m", "bench.output", name), cwd=ROOT),
                kernels: program(("sh", "-c", "exec node printer.js > theirs.log"), cwd=folder),
            },
            rounds=ROUNDS,
        )
        if not filecmp.cmp(folder / "ours.log", folder / "theirs.log", shallow=False):
            raise NotMeasured("the two logs differ")
        peak_mb = float((folder / "peak").read_text(encoding="utf-8"))
    return [
        Figure(
            name="1 GB of output",
            value=taken_s[ours],
            unit="s",
            limit=taken_s[kernels] * RATIO_LIMIT,
            peer_name=kernels,
            peer_value=taken_s[kernels],
            ratio_limit=RATIO_LIMIT,
        ),
        Figure(
            name="memory for 1 GB of output",
            value=peak_mb,
            unit="MB",
            limit=MEMORY_LIMIT_MB,
            peer_name="the output",
            peer_value=BYTES / 1e6,
        ),
    ]


def listen(folder: Path) -> int:
    """Run the printer as a step is run; leave its log, and our peak of memory in MB; its status."""
    stream = Redactor(secrets(Random(0))).stream()  # noqa: S311 - the same secrets each time
    log = DiskFiles().open_log(str(folder / "ours.log"))
    done = LocalShell().stream(
        ("node", "printer.js"),
        cwd=str(folder),
        env={},
        on_output=lambda chunk: log.write(stream.feed(chunk)),
        timeout_s=600,
    )
    log.write(stream.end())
    log.close()
    status = Path("/proc/self/status").read_text(encoding="utf-8").split()
    peak_mb = int(status[status.index(PEAK) + 1]) * 1024 / 1e6
    (folder / "peak").write_text(f"{peak_mb}", encoding="utf-8")
    return done.status


if __name__ == "__main__":
    sys.exit(listen(Path(sys.argv[1])))
