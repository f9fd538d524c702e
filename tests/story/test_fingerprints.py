"""A key is the same exactly when everything is that decides a result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.checks.fingerprint import (
    Fingerprint,
    decode,
    encode,
    explain,
    fingerprint,
    selected,
    too_broad,
)
from shipway.errors import InputsAreMissing
from shipway.model.service import CacheUse, Check, CommandCheck, ComposeCheck, Quarantine
from shipway.model.tree import Listing

UNIT = CommandCheck(
    name="unit",
    command=("vitest", "run"),
    inputs=("src/**",),
    outputs=("reports",),
    env=(("TZ", "UTC"),),
    secrets=(("TOKEN", "env:TOKEN"),),
    quarantine=(Quarantine("queue > retries", "ada", "flaky", "2027-03-31"),),
)
SUITE = ComposeCheck(name="suite", file="compose.yml", exit_code_from="tests", inputs=("src/**",))
FILES = Listing({"compose.yml": "00", "src/a.ts": "aa", "src/b.ts": "bb", "web/c.ts": "cc"})
WORDS = st.text(st.sampled_from('a"\\,:[]{} \n\0\udc80'), max_size=4)
PAIRS = st.dictionaries(WORDS, WORDS, max_size=4)


def key_of(
    check: Check = UNIT,
    *,
    inputs: Mapping[str, str] | None = None,
    tools: Mapping[str, str] | None = None,
    needs: Mapping[str, str] | None = None,
    platform: str = "linux-x86_64",
    today: str = "2027-01-01",
) -> Fingerprint:
    """The fingerprint of a check whose surroundings are always the same."""
    return fingerprint(
        check,
        inputs={"src/a.ts": "aa"} if inputs is None else inputs,
        tools={"node": "v20.1"} if tools is None else tools,
        needs={"install": "k1"} if needs is None else needs,
        platform=platform,
        today=today,
    )


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(UNIT, command=("vitest",)), "command: vitest run -> vitest"),
        (replace(UNIT, command=("vitest run",)), "command: vitest run -> 'vitest run'"),
        (replace(UNIT, cwd="web"), "cwd: . -> web"),
        (replace(UNIT, shell=True), "shell changed"),  # noqa: S604 - a value, nothing runs
        (replace(UNIT, env=(("TZ", "CET"),)), "env TZ changed"),
        (replace(UNIT, env=()), "env TZ is gone"),
        (replace(UNIT, secrets=()), "secret TOKEN is gone"),
        (replace(UNIT, outputs=("reports", "dist")), "output dist was added"),
        (replace(UNIT, junit="unit.xml"), "junit: none -> unit.xml"),
        (replace(UNIT, package="packages/api"), "package changed"),
        (replace(UNIT, quarantine=()), "quarantine queue > retries is gone"),
    ],
)
def test_what_decides_a_result_is_part_of_the_key(other: Check, told: str) -> None:
    """Another command, folder, environment or promise is another key, and is told as such."""
    assert key_of(other).key != key_of().key
    assert explain(key_of(), key_of(other)) == (told,)


def test_surroundings_are_part_of_the_key() -> None:
    """Files, tools, needs and the platform change the key, one sentence each, files last."""
    other = key_of(
        inputs={"src/a.ts": "ab", "src/b.ts": "bb"},
        tools={"node": "v20.2"},
        needs={"install": "k2"},
        platform="darwin-arm64",
    )
    assert explain(key_of(), other) == (
        "needs install changed",
        "platform: linux-x86_64 -> darwin-arm64",
        "tool node: v20.1 -> v20.2",
        "input src/a.ts changed",
        "input src/b.ts was added",
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(UNIT, name="units"),
        replace(UNIT, timeout_s=1.0),
        replace(UNIT, silence_s=1.0),
        replace(UNIT, retries=3),
        replace(UNIT, mutexes=("port-3000",)),
        replace(UNIT, cache=CacheUse.IN_PLACE),
        replace(UNIT, needs=("install",)),
        replace(UNIT, secrets=(("TOKEN", "file:.token"),)),
        replace(UNIT, quarantine=(replace(UNIT.quarantine[0], owner="bo", reason="?"),)),
    ],
)
def test_what_only_decides_when_a_check_passes_is_not(other: Check) -> None:
    """Limits, names, mutexes and where a secret comes from leave the key as it is."""
    assert key_of(other) == key_of()


def test_an_expired_quarantine_is_none() -> None:
    """From the day on which a quarantine ends, what passed under it is no longer found."""
    without = replace(UNIT, quarantine=())
    assert key_of(today="2027-03-30") == key_of()
    assert key_of(today="2027-03-31") == key_of(without)


def test_a_compose_check_is_its_file_and_service() -> None:
    """Another compose file or another decisive service is another key."""
    keys = {
        key_of(check).key
        for check in (SUITE, replace(SUITE, file="b.yml"), replace(SUITE, exit_code_from="x"))
    }
    assert len(keys) == 3


def test_the_value_of_a_secret_never_enters() -> None:
    """Of a secret the name alone is part of a key."""
    assert [part for part in key_of().parts if "TOKEN" in repr(part)] == [
        ("secret TOKEN", "declared")
    ]


@given(one=st.tuples(PAIRS, PAIRS, PAIRS), other=st.tuples(PAIRS, PAIRS, PAIRS))
def test_no_two_things_have_one_key(
    one: tuple[Mapping[str, str], ...], other: tuple[Mapping[str, str], ...]
) -> None:
    """Files, tools and needs with any signs in them have the same key only if they are equal."""
    keys = [
        key_of(replace(UNIT, env=()), inputs=inputs, tools=tools, needs=needs)
        for inputs, tools, needs in (one, other)
    ]
    assert (keys[0].key == keys[1].key) == (one == other)


@given(one=st.lists(WORDS), other=st.lists(WORDS))
def test_no_two_commands_have_one_key(one: list[str], other: list[str]) -> None:
    """Arguments that only look alike when they are joined have different keys."""
    keys = [key_of(replace(UNIT, command=tuple(words))) for words in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


@given(pairs=PAIRS, data=st.data())
def test_the_order_decides_nothing(pairs: dict[str, str], data: st.DataObject) -> None:
    """The same files, told in any order, have the same key."""
    shuffled = data.draw(st.permutations(list(pairs.items())))
    assert key_of(inputs=dict(shuffled)) == key_of(inputs=pairs)


@given(pairs=PAIRS)
def test_a_fingerprint_survives_being_text(pairs: dict[str, str]) -> None:
    """What was written reads back as it was, in text that any file can hold."""
    known = key_of(inputs=pairs)
    text = encode(known)
    assert text.isascii()
    assert "\n" not in text
    assert decode(text) == known


@given(data=st.data())
def test_damaged_text_is_no_fingerprint(data: st.DataObject) -> None:
    """A text cut short or with another character in it is None, never another fingerprint."""
    text = encode(key_of())
    at = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[at]))
    assert decode(text[:at]) is None
    assert decode(text[:at] + char + text[at + 1 :]) is None


@pytest.mark.parametrize("text", ["", "null", "[]", '["k",[]]', '["k",{"a":1}]', "[" * 100_000])
def test_other_text_is_no_fingerprint(text: str) -> None:
    """Text that was never a fingerprint is None, whatever it holds."""
    assert decode(text) is None


def test_nothing_to_compare_with_is_said() -> None:
    """Without an earlier key, or without a difference, one sentence says so."""
    assert explain(None, key_of()) == (
        "there is nothing to compare it with: no earlier run is known",
    )
    assert explain(key_of(), key_of()) == ("nothing changed",)


def test_an_explanation_is_bounded() -> None:
    """Of many differences the first twenty are told, and how many more there are."""
    many = {f"src/{n:03}.ts": "x" for n in range(332)}
    told = explain(key_of(inputs={}), key_of(inputs=many))
    assert len(told) == 21
    assert told[0] == "input src/000.ts was added"
    assert told[-1] == "and 312 more"


def test_inputs_are_the_files_that_the_globs_mean() -> None:
    """The inputs are the files of the globs, by content; a compose file is one of its check."""
    assert selected(UNIT, FILES) == {"src/a.ts": "aa", "src/b.ts": "bb"}
    assert list(selected(SUITE, FILES)) == ["compose.yml", "src/a.ts", "src/b.ts"]
    assert selected(UNIT, FILES, sorted(FILES.files)) == selected(UNIT, FILES)


def test_without_globs_there_are_no_inputs() -> None:
    """A check that declares no inputs has none, not even its compose file."""
    assert selected(replace(SUITE, inputs=()), FILES) == {}


def test_each_glob_that_fits_nothing_is_told() -> None:
    """Every glob without a file is named at once, with the check that has it."""
    lost = replace(UNIT, inputs=("src/**", "tset/**", "!docs/**", "*.toml"))
    with pytest.raises(InputsAreMissing, match=r"'tset/\*\*' matches no file and '\*.toml'") as it:
        selected(lost, FILES)
    assert it.value.where == "checks.unit.inputs"
    assert "needs" in it.value.hint


@pytest.mark.parametrize("inputs", [("src/**", "!src"), ("!web/**",)])
def test_excluding_everything_is_told(inputs: tuple[str, ...]) -> None:
    """Inputs of which nothing is left are an error, since no change would be noticed."""
    with pytest.raises(InputsAreMissing, match="exclude every file"):
        selected(replace(UNIT, inputs=inputs), FILES)


def test_half_the_disk_is_warned_of() -> None:
    """More than 20,000 inputs, or a heap of installed files among them, are warned of."""
    usual = {f"src/{n}": "x" for n in range(20_000)}
    heap = {f"a/node_modules/{n}": "x" for n in range(1001)}
    assert too_broad(usual, 90_000) == ""
    assert "20,001 of 90,000 files" in too_broad({**usual, "one": "x"}, 90_000)
    assert "1,001 files in 'node_modules'" in too_broad(heap, 90_000)


def test_forty_thousand_inputs_cost_little() -> None:
    """Selecting 40,000 of 40,000 files and making their key takes a moment."""
    listing = Listing({f"packages/p{n % 1000}/src/{n}.ts": f"{n:040x}" for n in range(40_000)})
    start = time.monotonic()
    inputs = selected(replace(UNIT, inputs=("**/*.ts", "!**/*.md")), listing)
    key_of(inputs=inputs)
    assert len(inputs) == 40_000
    assert time.monotonic() - start < 1
