"""A package manager of another version than the pinned one is told."""

from __future__ import annotations

import json

import pytest

from shipway.checks.pins import wrong_pin

PINS = (
    {"packageManager": "pnpm@10.34.9"},
    {"packageManager": "pnpm@10.34.9+sha512.0a1b"},
    {"devEngines": {"packageManager": {"name": "pnpm", "version": "10.34.9"}}},
    {"volta": {"node": "20.1.0", "pnpm": "10.34.9"}},
)


@pytest.mark.parametrize("manifest", PINS)
def test_another_version_is_told(manifest: dict[str, object]) -> None:
    """Both versions are named, wherever the pin stands."""
    assert wrong_pin(json.dumps(manifest), "pnpm", "9.1.0, node v20.1.0") == (
        "pnpm version 9.1.0 is installed, package.json pins 10.34.9"
    )


@pytest.mark.parametrize("manifest", PINS)
@pytest.mark.parametrize("says", ["10.34.9", "v10.34.9", "pnpm 10.34.9, node v20.1.0"])
def test_the_pinned_version_is_right(manifest: dict[str, object], says: str) -> None:
    """The pinned version is right, however the program writes it."""
    assert wrong_pin(json.dumps(manifest), "pnpm", says) == ""


def test_another_pre_release_is_another_version() -> None:
    """A version before the pinned one's release is not the pinned one."""
    text = json.dumps({"packageManager": "pnpm@11.0.0"})
    assert "11.0.0-rc.1 is installed" in wrong_pin(text, "pnpm", "11.0.0-rc.1")


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "",
        "[]",
        "not json",
        '{"packageManager": "yarn@4.1.0"}',
        '{"packageManager": 4}',
        '{"packageManager": "pnpm@^10"}',
        '{"devEngines": {"packageManager": {"name": "pnpm", "version": ">=10"}}}',
    ],
)
def test_without_an_exact_pin_any_version_is_right(text: str) -> None:
    """Where nothing exact is pinned for a program, nothing is wrong with it."""
    assert wrong_pin(text, "pnpm", "9.1.0") == ""


def test_a_version_that_is_not_known_is_not_wrong() -> None:
    """A program that did not say its version is not called wrong."""
    assert wrong_pin('{"packageManager": "pnpm@10.34.9"}', "pnpm", "sha256:00") == ""
