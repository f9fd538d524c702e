"""A workspace's packages are found, and checks run in each of them in the right order."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from shipway.checks.expansion import expanded
from shipway.checks.workspace import Package, manifests, packages
from shipway.errors import ConfigurationIsInvalid, InputsAreMissing, WrongUsage
from shipway.model.service import Check, CommandCheck
from shipway.testing.builders import a_check

API, LIB, WEB = "packages/api", "packages/lib", "packages/web"
MEMBERS = (Package(API, "api", ("lib",)), Package(LIB, "lib"), Package(WEB, "web", ("api",)))
PATHS = (f"{API}/src/a.ts", f"{LIB}/src/l.ts", f"{LIB}/test/t.ts", f"{WEB}/src/w.ts", "tsconfig")


def found(manifest: dict[str, dict[str, object]], pnpm: str = "") -> tuple[Package, ...]:
    """The packages of a checkout with these manifests by folder, and pnpm's own file."""
    texts = {
        f"{folder}/package.json".removeprefix("./"): json.dumps(data)
        for folder, data in manifest.items()
    }
    if pnpm:
        texts["pnpm-workspace.yaml"] = pnpm
    return packages(sorted(texts), texts)


def each(name: str, *needs: str, inputs: tuple[str, ...] = ("src/**",)) -> CommandCheck:
    """A check of each package."""
    return replace(a_check(name, needs=needs), inputs=inputs, per_package=True)


def needs_of(*checks: Check, members: tuple[Package, ...] = MEMBERS) -> dict[str, tuple[str, ...]]:
    """What each check needs, once expanded."""
    return {check.name: check.needs for check in expanded(checks, members, PATHS)}


def test_pnpm_names_its_packages_in_a_file() -> None:
    """Globs of pnpm-workspace.yaml find folders with a package.json, without those excluded."""
    members = found(
        {
            ".": {"name": "root"},
            "packages/a": {"name": "a"},
            "packages/a/node_modules/x": {"name": "x"},
            "packages/a/deep": {"name": "deep"},
            "packages/old": {"name": "old"},
            "apps/deep/b": {"name": "b"},
            "other": {"name": "other"},
        },
        pnpm="packages:\n  - 'packages/*'\n  - apps/**\n  - '!packages/old'\ncatalog: {x: ^1}\n",
    )
    assert [package.folder for package in members] == ["apps/deep/b", "packages/a"]


@pytest.mark.parametrize(
    "workspaces", [["packages/*"], ["./packages/*/"], {"packages": ["packages/*"], "nohoist": []}]
)
def test_npm_and_yarn_name_theirs_in_the_manifest(workspaces: object) -> None:
    """`workspaces` of package.json is a list of globs, or holds one."""
    members = found({".": {"workspaces": workspaces}, "packages/a": {"name": "@acme/a"}})
    assert members == (Package("packages/a", "@acme/a"),)


def test_without_a_workspace_there_are_no_packages() -> None:
    """A lone package.json, or none, is no workspace."""
    assert found({".": {"name": "alone"}, "packages/a": {"name": "a"}}) == ()
    assert packages(("README.md",), {}) == ()
    assert found({".": {"name": "alone"}}, pnpm="onlyBuiltDependencies: [esbuild]\n") == ()


@pytest.mark.parametrize(
    ("kind", "name", "wanted"),
    [
        ("dependencies", "lib", "workspace:*"),
        ("devDependencies", "lib", "^1.0.0"),
        ("peerDependencies", "lib", "*"),
        ("optionalDependencies", "lib", "workspace:^"),
        ("dependencies", "alias", "workspace:lib@*"),
        ("dependencies", "alias", "npm:lib@^1.0.0"),
        ("dependencies", "whatever", "link:../lib"),
        ("dependencies", "whatever", "file:../lib"),
    ],
)
def test_a_package_depends_on_what_its_manifest_names(kind: str, name: str, wanted: str) -> None:
    """Ranges, aliases and folders that lead to another package are dependencies."""
    members = found(
        {
            ".": {"workspaces": ["packages/*"]},
            "packages/api": {"name": "api", kind: {name: wanted, "express": "^5"}},
            "packages/lib": {"name": "lib"},
        }
    )
    assert members == (Package(API, "api", ("lib",)), Package(LIB, "lib"))


def test_a_package_without_a_name_has_its_folders() -> None:
    """A package that has no name is called as its folder is, and never depends on itself."""
    members = found(
        {".": {"workspaces": ["packages/*"]}, "packages/a": {"dependencies": {"packages/a": "*"}}}
    )
    assert members == (Package("packages/a", "packages/a"),)


def test_a_broken_manifest_is_told_with_its_path() -> None:
    """A package.json that is not JSON, or a workspace file that is not YAML, is named."""
    with pytest.raises(WrongUsage) as it:
        packages(("package.json",), {"package.json": "{"})
    assert it.value.where == "package.json"
    with pytest.raises(WrongUsage) as it:
        packages(("pnpm-workspace.yaml",), {"pnpm-workspace.yaml": "packages: ["})
    assert it.value.where.startswith("pnpm-workspace.yaml:")


def test_only_manifests_have_to_be_read() -> None:
    """What has to be read for a workspace are its manifests and pnpm's own file."""
    paths = ("a/package.json", "a/src/package.json.ts", "package.json", "pnpm-workspace.yaml")
    assert manifests(paths) == ("a/package.json", "package.json", "pnpm-workspace.yaml")


def test_a_check_of_each_package_is_placed_in_it() -> None:
    """Each package has its own check: name, folder, files and report are all its own."""
    check = replace(
        each("unit", inputs=("src/**", "!src/*.md", "/tsconfig", "../lib/src/")),
        cwd="src",
        outputs=("dist",),
        junit="reports/unit.xml",
    )
    first = expanded((check,), MEMBERS, PATHS)[0]
    assert first == replace(
        check,
        name="unit:packages/api",
        package=API,
        per_package=False,
        cwd=f"{API}/src",
        inputs=(f"{API}/src/**", f"!{API}/src/*.md", "tsconfig", f"{LIB}/src/"),
        outputs=(f"{API}/dist",),
        junit=f"{API}/reports/unit.xml",
    )


def test_a_package_without_inputs_has_no_such_check() -> None:
    """Only packages that hold one of the inputs have the check, with the globs that fit there."""
    made = expanded((each("unit", inputs=("test/**",)),), MEMBERS, PATHS)
    assert [check.name for check in made] == ["unit:packages/lib"]
    made = expanded((each("unit", inputs=("test/**", "src/**")),), MEMBERS, PATHS)
    assert [check.inputs for check in made][:2] == [
        (f"{API}/src/**",),
        (f"{LIB}/test/**", f"{LIB}/src/**"),
    ]


def test_without_any_input_every_package_has_the_check() -> None:
    """A check that declares no inputs runs in each package."""
    assert len(expanded((each("unit", inputs=()),), MEMBERS, PATHS)) == 3


@pytest.mark.parametrize("inputs", [("tset/**",), ("src/**", "tset/**"), ("src/**", "/tset/**")])
def test_inputs_that_no_package_has_are_told(inputs: tuple[str, ...]) -> None:
    """A glob that fits nothing in any package is an error, whatever the others fit."""
    with pytest.raises(InputsAreMissing, match=r"tset/\*\*' matches no file of any package"):
        expanded((each("unit", inputs=inputs),), MEMBERS, PATHS)


def test_without_packages_a_check_of_each_is_told() -> None:
    """Where there is no workspace, a check of each package is an error, not a pass."""
    with pytest.raises(InputsAreMissing, match="there is no package"):
        expanded((each("unit", inputs=()),), (), PATHS)


def test_checks_of_the_root_stay_as_they_are() -> None:
    """Without any check of each package nothing is changed."""
    checks = (a_check("install"), a_check("lint", needs=("install",)))
    assert expanded(checks, (), ()) == checks


def test_needs_stay_within_a_package() -> None:
    """A package's check needs its own other checks, and the root's once."""
    needs = needs_of(a_check("install"), each("types", "install"), each("unit", "types", "install"))
    assert needs["types:packages/api"] == ("install",)
    assert needs["unit:packages/api"] == ("types:packages/api", "install")


def test_a_caret_needs_the_packages_depended_on() -> None:
    """`^types` is the types of each package that this one depends on directly."""
    needs = needs_of(each("types", "^types"))
    assert needs == {
        "types:packages/api": ("types:packages/lib",),
        "types:packages/lib": (),
        "types:packages/web": ("types:packages/api",),
    }


def test_a_check_of_the_root_needs_all_packages() -> None:
    """What runs once needs the check in every package that has it."""
    needs = needs_of(
        each("unit", inputs=("test/**",)), each("types"), a_check("all", needs=("types", "unit"))
    )
    assert needs["all"] == (
        "types:packages/api",
        "types:packages/lib",
        "types:packages/web",
        "unit:packages/lib",
    )


def test_a_package_in_between_does_not_cut_the_chain() -> None:
    """Where a package lacks the check, what it would have needed there is needed instead."""
    chain = (Package(API, "api"), Package(LIB, "lib", ("api",)), Package(WEB, "web", ("lib",)))
    paths = (f"{API}/src/a.ts", f"{LIB}/README.md", f"{WEB}/src/w.ts")
    checks = expanded((a_check("install"), each("types", "^types", "install")), chain, paths)
    assert checks[-1].needs == ("install", "types:packages/api")


def test_packages_that_depend_on_each_other_are_told() -> None:
    """Where packages make checks need each other, the circle is drawn."""
    circle = (Package(API, "api", ("lib",)), Package(LIB, "lib", ("api",)))
    with pytest.raises(
        ConfigurationIsInvalid,
        match="types:packages/api -> types:packages/lib -> types:packages/api",
    ):
        expanded((each("types", "^types"),), circle, PATHS)


def test_packages_may_depend_on_each_other_where_no_check_minds() -> None:
    """A circle of packages is no error as long as no check follows it."""
    circle = (Package(API, "api", ("lib",)), Package(LIB, "lib", ("api",)))
    assert needs_of(each("types"), each("unit", "^types"), members=circle)["unit:packages/api"] == (
        "types:packages/lib",
    )


def test_a_large_workspace_is_expanded_quickly() -> None:
    """A chain of 1,000 packages with four checks each is expanded in a moment."""
    members = tuple(
        Package(f"packages/p{n:04}", f"p{n}", (f"p{n - 1}",) if n else ()) for n in range(1000)
    )
    paths = [f"{package.folder}/src/{n}.ts" for package in members for n in range(40)]
    checks = (each("types", "^types"), each("lint"), each("unit", "types"), each("build", "^build"))
    start = time.monotonic()
    made = expanded(checks, members, paths)
    assert len(made) == 4000
    assert time.monotonic() - start < 3
