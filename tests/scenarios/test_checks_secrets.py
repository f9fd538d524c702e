"""No secret of a check is written anywhere: not in a log, a key, a record, an event or a report."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from tests.scenarios.checking import Stage, holding

CANARY = "Canary/7f3a+Zq9&with=signs"

CHECKS = """\
  leak:
    run: sh leak.sh
    secrets: { NPM_TOKEN: env:THE_TOKEN }
    inputs: [leak.sh]
    outputs: [made/report.txt]
    junit: made/report.xml
    env: { STATUS: "%d" }
"""
LEAK = """\
echo "plain $NPM_TOKEN"
for pad in "" a ab; do printf '%s%s' "$pad" "$NPM_TOKEN" | base64 -w0; echo; done
node -e 'console.log(encodeURIComponent(process.env.NPM_TOKEN))'
node -e 'console.log(JSON.stringify({ token: process.env.NPM_TOKEN }))'
printf '%s' "${NPM_TOKEN%????????}"
sleep 0.3
printf '%s\\n' "${NPM_TOKEN#"${NPM_TOKEN%????????}"}"
echo "Error: $NPM_TOKEN was refused" >&2
mkdir -p made
echo "nothing secret" > made/report.txt
echo "<testsuite><testcase name='t'/></testsuite>" > made/report.xml
[ "$STATUS" != 0 ] || exit 0
node -e '
const t = process.env.NPM_TOKEN.replaceAll("&", "&amp;");
require("fs").writeFileSync("made/report.xml", `<testsuite><testcase classname="${t}" name="${t}">`
  + `<failure message="${t}">${t}</failure></testcase></testsuite>`);
'
exit "$STATUS"
"""

NAMED = """\
mkdir -p made/report.txt
NAME=$(printf '%s' "$NPM_TOKEN" | sed 's/&/\\&amp;/')
echo "<testsuite><testcase name='$NAME'/></testsuite>" > made/report.xml
"""


def _forms() -> Iterator[bytes]:
    """The secret, and what stays of it in base64 whatever stands before it."""
    yield CANARY.encode()
    yield urllib.parse.quote(CANARY, safe="").encode()
    yield CANARY.replace("&", "&amp;").encode()
    for before in (b"", b"a", b"ab"):
        # the last letters depend on what follows, and the first ones on what stands before
        yield base64.b64encode(before + CANARY.encode())[4:-4]


def _leaks(stage: Stage, told: str) -> list[str]:
    """Return where a form of the secret is found; the report in the checkout is the check's own."""
    found = [str(p) for form in _forms() for p in holding([stage.state, stage.cache], form)]
    return found + [form.decode() for form in _forms() if form in told.encode()]


def _stage(tmp_path: Path, status: int) -> Stage:
    stage = Stage.fresh(tmp_path, CHECKS % status)
    stage.write("leak.sh", LEAK)
    stage.env["THE_TOKEN"] = CANARY
    return stage


def test_a_failing_check_gives_no_secret_away(tmp_path: Path) -> None:
    """Plain, encoded and in two parts, it is in no file of ours and in nothing that is printed."""
    stage = _stage(tmp_path, 3)

    told = [stage.shipway("run"), stage.shipway("run", "--json"), stage.shipway("run", "-v")]

    assert [ended.status for ended in told] == [3, 3, 3]
    assert _leaks(stage, "".join(ended.out + ended.err for ended in told)) == []
    log = next(stage.state.glob("runs/*/checks/leak.log")).read_text(encoding="utf-8")
    assert log.startswith("plain ***\n")
    assert log.endswith("***\nError: *** was refused\n")


def test_an_entry_of_the_cache_gives_no_secret_away(tmp_path: Path) -> None:
    """What is kept of a pass, and what is restored from it, holds no form of the secret."""
    stage = _stage(tmp_path, 0)

    told = [stage.shipway("run", "-v"), stage.shipway("run", "-v")]

    assert [ended.status for ended in told] == [0, 0]
    assert stage.record().checks[0].cached == "this machine"
    assert holding([stage.cache], b"plain ***")
    assert _leaks(stage, "".join(ended.out + ended.err for ended in told)) == []


def test_a_report_that_holds_a_secret_is_not_kept(tmp_path: Path) -> None:
    """A test that is named after a secret passes, and no entry of the cache can tell of it."""
    stage = _stage(tmp_path, 0)
    stage.write("leak.sh", NAMED)

    done = stage.shipway("run")

    assert done.status == 0
    assert "leak: its report holds a secret: not kept" in done.err
    assert _leaks(stage, done.out + done.err) == []
    assert list((stage.cache / "steps").rglob("*")) == []


def test_outputs_that_hold_a_secret_are_not_kept(tmp_path: Path) -> None:
    """A bundle that a secret got into passes, and runs again; it is said which file it is in."""
    stage = _stage(tmp_path, 0)
    stage.write(
        "leak.sh", LEAK.replace('echo "nothing secret"', 'printf x%s "$NPM_TOKEN" | base64')
    )

    done = [stage.shipway("run"), stage.shipway("run")]

    assert [ended.status for ended in done] == [0, 0]
    assert "made/report.txt holds a secret: its outputs are not kept" in done[0].err
    assert stage.record().checks[0].cached == ""
    assert _leaks(stage, "".join(ended.out + ended.err for ended in done)) == []


def test_the_value_of_a_secret_is_no_part_of_a_key(tmp_path: Path) -> None:
    """With another value the same result is found; without the secret it is another key."""
    stage = _stage(tmp_path, 0)
    stage.shipway("run")
    stage.env["THE_TOKEN"] = "another-value-of-it"  # noqa: S105 - made up

    assert stage.shipway("run").status == 0
    assert stage.record().checks[0].cached == "this machine"

    stage.declare((CHECKS % 0).replace("    secrets: { NPM_TOKEN: env:THE_TOKEN }\n", ""))
    explained = stage.shipway("run", "--explain", "leak")
    assert "secret NPM_TOKEN is gone" in explained.out
    assert "no result is kept" in explained.out


def test_a_secret_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    """The reference is told with exit 2, and the check never starts."""
    stage = _stage(tmp_path, 0)
    del stage.env["THE_TOKEN"]

    refused = stage.shipway("run")

    assert refused.status == 2
    assert "env:THE_TOKEN" in refused.err
    assert not (stage.folder / "made").exists()


def test_a_secret_that_is_too_short_to_hide_is_refused(tmp_path: Path) -> None:
    """Fewer than six characters are exit 2: hiding them would eat the log."""
    stage = _stage(tmp_path, 0)
    stage.env["THE_TOKEN"] = "12345"  # noqa: S105 - made up

    refused = stage.shipway("run")

    assert refused.status == 2
    assert "12345" not in refused.err
    assert "NPM_TOKEN" in refused.err
