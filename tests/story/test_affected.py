"""What a change touches is run; what it cannot touch is not; in doubt everything is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.checks.affected import Affected, affected, is_affected, narrowed_to
from shipway.checks.workspace import Package
from shipway.model.service import Check, CommandCheck, ComposeCheck
from shipway.model.tree import Changes
from shipway.testing.builders import a_check

API, LIB, WEB, DOCS = "packages/api", "packages/lib", "packages/web", "packages/lib/docs"
MEMBERS = (
    Package(API, "api", ("lib",)),
    Package(LIB, "lib"),
    Package(DOCS, "docs"),
    Package(WEB, "web", ("api",)),
)


def changed(*paths: str) -> Changes:
    """These paths changed."""
    return Changes(frozenset(paths))


def of(package: str, name: str, *needs: str) -> CommandCheck:
    """A check of one package."""
    return replace(a_check(f"{name}:{package}", needs=needs), package=package)


def names(checks: tuple[Check, ...]) -> list[str]:
    """What the checks are called."""
    return [check.name for check in checks]


def test_a_change_touches_its_package_and_all_dependants() -> None:
    """The package that holds the path is touched, and whatever depends on it at any distance."""
    assert affected(MEMBERS, changed(f"{LIB}/src/a.ts")).folders == {LIB, API, WEB}
    assert affected(MEMBERS, changed(f"{WEB}/src/a.ts")).folders == {WEB}


def test_the_innermost_package_holds_a_path() -> None:
    """A path in a package inside another one belongs to the inner one alone."""
    assert affected(MEMBERS, changed(f"{DOCS}/a.md")).folders == {DOCS}


def test_a_package_that_is_a_submodule_is_touched_by_its_commit() -> None:
    """A path that is the folder of a package itself belongs to that package."""
    assert affected(MEMBERS, changed(WEB)).folders == {WEB}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("pnpm-lock.yaml", "any package may have other dependencies now"),
        ("tsconfig.base.json", "lies in no package"),
        ("packages/gone/package.json", "lies in no package"),
        ("packages/apix/a.ts", "lies in no package"),
    ],
)
def test_a_path_of_no_package_touches_everything(path: str, why: str) -> None:
    """What lies outside of every package touches all of them, and it is said why."""
    found = affected(MEMBERS, changed(f"{WEB}/a.ts", path))
    assert found.everything.startswith(f"{path} changed")
    assert why in found.everything


def test_what_is_not_known_touches_everything() -> None:
    """Where changes are not known everything is touched, for the same reason."""
    assert affected(MEMBERS, Changes(everything="no remote")) == Affected(everything="no remote")


def test_without_packages_any_change_touches_everything() -> None:
    """Outside of a workspace a change touches all there is, and no change nothing."""
    assert "no workspace" in affected((), changed("src/a.ts")).everything
    assert affected((), changed()) == Affected()


@given(
    paths=st.sets(st.sampled_from(["a", API, f"{API}/x", f"{DOCS}/y", f"{LIB}/z"]), min_size=1),
    depends=st.dictionaries(st.sampled_from(["api", "lib", "docs"]), st.sampled_from(["api"])),
)
def test_a_change_never_touches_nothing(paths: set[str], depends: dict[str, str]) -> None:
    """Whatever changes, something is touched, and more changes never touch less."""
    members = tuple(
        Package(folder, name, (depends[name],) if name in depends else ())
        for folder, name in ((API, "api"), (LIB, "lib"), (DOCS, "docs"))
    )
    found = affected(members, Changes(frozenset(paths)))
    assert found.everything or found.folders
    more = affected(members, Changes(frozenset(paths) | {f"{LIB}/more"}))
    assert more.everything or found.folders <= more.folders


def test_a_service_is_touched_through_what_it_depends_on() -> None:
    """A service in a package is touched by its own changes and those of its dependencies."""
    assert is_affected(API, MEMBERS, changed(f"{LIB}/a.ts"))
    assert is_affected(API, MEMBERS, changed(f"{API}/a.ts"))
    assert not is_affected(API, MEMBERS, changed(f"{WEB}/a.ts"))
    assert is_affected(API, MEMBERS, changed("tsconfig.base.json"))


@pytest.mark.parametrize("folder", [".", "services/go"])
def test_a_service_that_is_no_package_is_touched_by_anything(folder: str) -> None:
    """Of a service in the root, or in no package, nobody knows what it uses."""
    assert is_affected(folder, MEMBERS, changed(f"{WEB}/a.ts"))
    assert not is_affected(folder, MEMBERS, changed())


def test_a_service_counts_the_packages_inside_it() -> None:
    """A change in a package that lies in the service's folder touches the service."""
    assert is_affected(LIB, MEMBERS, changed(f"{DOCS}/a.md"))


def test_checks_of_touched_packages_run_with_what_they_need() -> None:
    """Only touched packages are checked; the checks that those need run as well."""
    install = replace(a_check("install"), inputs=("pnpm-lock.yaml",))
    checks = (install, of(LIB, "lint", "install"), of(WEB, "lint", "install"))
    found = affected(MEMBERS, changed(f"{WEB}/a.ts"))
    assert names(narrowed_to(checks, found)) == ["install", f"lint:{WEB}"]


def test_a_check_that_may_depend_on_anything_touches_what_needs_it() -> None:
    """Of a check without inputs nobody knows what it reads, so all that needs it runs."""
    checks = (a_check("generate"), of(LIB, "lint", "generate"), of(WEB, "lint"))
    found = affected(MEMBERS, changed(f"{WEB}/a.ts"))
    assert narrowed_to(checks, found) == checks


def test_checks_of_the_root_run_for_their_inputs() -> None:
    """A check of the root runs when one of its inputs changed, its compose file included."""
    docs = replace(a_check("docs"), inputs=("**/*.md",))
    suite = ComposeCheck(name="suite", file=f"{WEB}/c.yml", exit_code_from="t", inputs=("x",))
    for path, wanted in ((f"{WEB}/a.md", ["docs"]), (f"{WEB}/c.yml", ["suite"]), (WEB, [])):
        assert names(narrowed_to((docs, suite), affected(MEMBERS, changed(path)))) == wanted


def test_what_needs_a_touched_check_runs() -> None:
    """A check whose own inputs did not change runs after one that has to run again."""
    late = replace(a_check("late", needs=(f"build:{WEB}",)), inputs=("e2e/**",))
    checks = (of(WEB, "build"), late)
    assert names(narrowed_to(checks, affected(MEMBERS, changed(f"{WEB}/a.ts")))) == [
        f"build:{WEB}",
        "late",
    ]


def test_everything_is_every_check() -> None:
    """Where everything is touched, no check is left out; where nothing changed, all are."""
    checks = (a_check("install"), of(LIB, "lint"))
    assert narrowed_to(checks, Affected(everything="because")) == checks
    assert narrowed_to(checks, Affected()) == ()
