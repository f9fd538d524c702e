"""Before anything runs: which checks there are, under which keys, and which may never be cached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shipway.apply.look import look
from shipway.checks.fingerprint import Fingerprint
from shipway.errors import CheckoutIsUnfit, InputsAreMissing, ToolIsWrong, WrongUsage
from shipway.model.service import Check, CommandCheck, ComposeCheck, Quarantine
from shipway.model.tree import Listing
from shipway.testing.builders import ROOT, Stage, a_check, a_commit, a_compose_check
from shipway.testing.checkout import FakeTree
from tests.apply.checking import a_stage, end_of, go, keyed, ran, step, warnings


@pytest.fixture
def stage() -> Stage:
    """A checkout with two sources."""
    return a_stage()


class NoGit(FakeTree):
    """A folder that is no checkout."""

    def listing(self) -> Listing:
        """Refuse, as the real tree does outside of git."""
        raise CheckoutIsUnfit("this folder is no git repository")


def keys(stage: Stage, *checks: Check) -> dict[str, str]:
    """The keys of checks as the stage is now."""
    return {name: found.key for name, found in look(step(*checks), stage.world()).keys.items()}


def key(stage: Stage, check: Check) -> str:
    """The key of one check."""
    return keys(stage, check)[check.name]


def with_env(check: CommandCheck) -> CommandCheck:
    """Another environment."""
    return replace(check, env=(("TZ", "UTC"),))


def with_command(check: CommandCheck) -> CommandCheck:
    """Another argument."""
    return replace(check, command=(*check.command, "--fix"))


def with_cwd(check: CommandCheck) -> CommandCheck:
    """Another folder."""
    return replace(check, cwd="src")


def with_shell(check: CommandCheck) -> CommandCheck:
    """Through a shell."""
    return replace(check, shell=True)  # noqa: S604 - nothing is run


def with_outputs(check: CommandCheck) -> CommandCheck:
    """More outputs."""
    return replace(check, outputs=("dist",))


def with_inputs(check: CommandCheck) -> CommandCheck:
    """More inputs."""
    return replace(check, inputs=("src/**", "package.json"))


def with_a_secret(check: CommandCheck) -> CommandCheck:
    """The name of a secret."""
    return replace(check, secrets=(("TOKEN", "env:TOKEN"),))


@pytest.mark.parametrize(
    "change",
    [with_env, with_command, with_cwd, with_shell, with_outputs, with_inputs, with_a_secret],
)
def test_what_decides_a_result_changes_the_key(
    stage: Stage, change: Callable[[CommandCheck], CommandCheck]
) -> None:
    """Another declaration of what a check does is another key."""
    check = keyed("lint")
    assert key(stage, check) != key(stage, change(check))


@pytest.mark.parametrize(
    "change",
    [
        lambda check: replace(check, timeout_s=1.0),
        lambda check: replace(check, silence_s=1.0),
        lambda check: replace(check, retries=2),
        lambda check: replace(check, mutexes=("db",)),
    ],
)
def test_what_only_limits_leaves_the_key(
    stage: Stage, change: Callable[[CommandCheck], CommandCheck]
) -> None:
    """Limits say when a check may pass, not what it says, so they are no part of its key."""
    check = keyed("lint")
    assert key(stage, check) == key(stage, change(check))


def test_another_tool_is_another_key(stage: Stage) -> None:
    """A new version of the program that a check runs changes its key."""
    stage.tools.versions["lint"] = "1.0"
    before = key(stage, keyed("lint"))
    stage.tools.versions["lint"] = "2.0"
    assert key(stage, keyed("lint")) != before


def test_another_node_is_another_key(stage: Stage) -> None:
    """A program that the checkout brings has the version of the node that runs it."""
    before = key(stage, keyed("lint"))
    stage.tools.versions["node"] = "v22.0.0"
    assert key(stage, keyed("lint")) != before


def test_a_program_that_is_yet_to_come_has_its_key(stage: Stage) -> None:
    """A check has the same key before its program is installed into the checkout and after."""
    before = key(stage, keyed("lint"))
    stage.tools.versions["lint"] = f"node {stage.tools.versions['node']}"
    assert key(stage, keyed("lint")) == before


def test_without_any_tool_there_is_a_key(stage: Stage) -> None:
    """A machine without node has keys as well; what is missing shows when it is run."""
    stage.tools.versions.clear()
    assert set(keys(stage, keyed("lint"))) == {"lint"}


def test_another_platform_is_another_key(stage: Stage) -> None:
    """What passed on one system is not known to pass on another."""
    here = look(step(keyed("lint")), stage.world()).keys["lint"]
    there = look(step(keyed("lint")), replace(stage.world(), platform="darwin-arm64")).keys["lint"]
    assert here.key != there.key


def test_a_need_is_a_part_of_the_key(stage: Stage) -> None:
    """A change of what a check needs changes its own key, however far below."""
    chain = (keyed("a", inputs=("package.json",)), keyed("b", "a"), keyed("c", "b"))
    before = keys(stage, *chain)
    stage.tree.texts["package.json"] = "{ }"
    after = keys(stage, *chain)
    assert [name for name in before if before[name] != after[name]] == ["a", "b", "c"]


def test_the_order_of_declaration_is_no_part_of_a_key(stage: Stage) -> None:
    """The same checks have the same keys, wherever they stand in the file."""
    chain = (keyed("a"), keyed("b", "a"), keyed("c", "b"))
    assert keys(stage, *chain) == keys(stage, *reversed(chain))


def test_a_compose_file_is_an_input(stage: Stage) -> None:
    """The compose file of a check is a part of its key without being declared."""
    stage.tree.texts["compose.yml"] = "services: {}"
    check: ComposeCheck = replace(a_compose_check("e2e"), inputs=("src/**",))
    before = key(stage, check)
    stage.tree.texts["compose.yml"] = "services: {x: {}}"
    assert key(stage, check) != before


def test_the_value_of_a_secret_is_no_part_of_a_key(stage: Stage) -> None:
    """Whatever a secret's value is, or whether there is one, the key is the same."""
    check = with_a_secret(keyed("lint"))
    found = []
    for value in ("hunter2-hunter2", "another-value", ""):
        stage.secrets.values["env:TOKEN"] = value
        found.append(parts(stage, check))
    assert found[0] == found[1] == found[2]
    assert "hunter2-hunter2" not in str(found)


def parts(stage: Stage, check: Check) -> Fingerprint:
    """All that the key of a check is made of."""
    return look(step(check), stage.world()).keys[check.name]


def test_a_quarantine_that_expires_is_another_key(stage: Stage) -> None:
    """A result that a quarantine may have allowed is not found once it has expired."""
    entry = Quarantine("waits", "ada", "slow broker", "2023-11-16")
    check = replace(keyed("unit"), quarantine=(entry,))
    before = key(stage, check)
    stage.clock.wait(3 * 86_400.0)
    assert key(stage, check) != before


def test_without_inputs_there_is_no_key(stage: Stage) -> None:
    """A check that declares no inputs cannot be cached, for that reason."""
    found = look(step(a_check("lint")), stage.world())
    assert (dict(found.keys), found.unkeyed) == ({}, {"lint": "it declares no inputs"})


def test_who_needs_what_has_no_key_has_none(stage: Stage) -> None:
    """A check above one that cannot be cached cannot either, and the reason names the one below."""
    chain = (a_check("install"), keyed("build", "install"), keyed("unit", "build"))
    assert look(step(*chain), stage.world()).unkeyed == {
        "install": "it declares no inputs",
        "build": "it needs install, which cannot be cached",
        "unit": "it needs build, which cannot be cached",
    }


def test_a_glob_that_fits_nothing_ends_the_run_before_it_begins(stage: Stage) -> None:
    """An input that matches no file is an error of the configuration, and nothing runs."""
    with pytest.raises(InputsAreMissing, match=r"'lib/\*\*' matches no file"):
        go(stage, step(keyed("lint", inputs=("lib/**",)), a_check("unit")))
    assert ran(stage) == []


def test_half_the_disk_is_warned_of(stage: Stage) -> None:
    """Inputs that hold a heap of files which nobody means are warned of, and the run goes on."""
    stage.tree.texts |= {f"coverage/{n}.html": str(n) for n in range(1001)}
    go(stage, step(keyed("lint", inputs=("**",))))
    ((about, message),) = warnings(stage)
    assert (about, "coverage" in message) == ("lint", True)
    assert end_of(stage).outcome == "passed"


def test_a_folder_without_git_runs_everything(stage: Stage) -> None:
    """Outside of git nothing is cached, which is told, and all checks run."""
    stage.tree = NoGit()
    for run in ("run-1", "run-2"):
        go(stage, step(keyed("lint"), keyed("unit", "lint")), run)
        assert ran(stage) == ["lint", "unit"]
    said = "this folder is no git repository: nothing is cached, nothing left out"
    assert warnings(stage) == [("cache", said)]


@pytest.mark.parametrize("version", ["8.0.0", "9.0.1"])
def test_another_package_manager_than_the_pinned_one_is_refused(stage: Stage, version: str) -> None:
    """Nothing runs with another version than `packageManager` of package.json says."""
    stage.files.texts[f"{ROOT}/package.json"] = '{"packageManager": "pnpm@9.0.0"}'
    stage.tools.versions["pnpm"] = version
    with pytest.raises(ToolIsWrong, match=r"9\.0\.0"):
        go(stage, step(keyed("pnpm")))
    assert ran(stage) == []


def test_the_pinned_package_manager_is_used(stage: Stage) -> None:
    """The very version that is pinned runs."""
    stage.files.texts[f"{ROOT}/package.json"] = '{"packageManager": "pnpm@9.0.0"}'
    stage.tools.versions["pnpm"] = "9.0.0"
    go(stage, step(keyed("pnpm")))
    assert ran(stage) == ["pnpm"]


def test_only_what_is_asked_for_and_what_it_needs_runs(stage: Stage) -> None:
    """A named check brings what it needs, and nothing else."""
    checks = (keyed("install"), keyed("lint", "install"), keyed("unit", "install"))
    go(stage, step(*checks, asked=("unit",)))
    assert ran(stage) == ["install", "unit"]


def test_without_a_workspace_any_change_means_everything(stage: Stage) -> None:
    """Where nobody knows what depends on what, everything runs, and that is told."""
    stage.tree.commits[a_commit()] = dict(stage.tree.texts)
    stage.tree.texts["src/a.ts"] = "changed"
    go(
        stage,
        replace(step(keyed("pack", inputs=("package.json",)), keyed("lint")), since=a_commit()),
    )
    assert sorted(ran(stage)) == ["lint", "pack"]
    said = "everything runs: src/a.ts changed, and this is no workspace with packages"
    assert warnings(stage) == [("affected", said)]


def test_no_change_since_a_commit_means_nothing(stage: Stage) -> None:
    """Compared with a commit of the same content nothing runs."""
    stage.tree.commits[a_commit()] = dict(stage.tree.texts)
    go(stage, replace(step(keyed("lint"), a_check("unit")), since=a_commit()))
    assert (ran(stage), end_of(stage).checks) == ([], ())


def test_an_unknown_commit_means_everything(stage: Stage) -> None:
    """Where the commit to compare with is not to be had, everything runs, and that is told."""
    go(stage, replace(step(keyed("lint"), keyed("unit")), since=a_commit("gone")))
    assert ran(stage) == ["lint", "unit"]
    ((about, message),) = warnings(stage)
    assert about == "affected"
    assert message.startswith("everything runs: commit ")


def workspace(stage: Stage) -> CommandCheck:
    """Make the checkout a workspace of two packages, and return a check for each."""
    for name in ("api", "web"):
        manifest = f'{{"name": "{name}"}}'
        stage.tree.texts[f"packages/{name}/package.json"] = manifest
        stage.tree.texts[f"packages/{name}/src/a.ts"] = "a"
        stage.files.texts[f"{ROOT}/packages/{name}/package.json"] = manifest
    stage.tree.texts["pnpm-workspace.yaml"] = "packages: [packages/*]"
    stage.files.texts[f"{ROOT}/pnpm-workspace.yaml"] = "packages: [packages/*]"
    stage.files.texts[f"{ROOT}/package.json"] = "{}"
    return replace(keyed("lint"), per_package=True)


def test_a_check_for_each_package_runs_in_each(stage: Stage) -> None:
    """A check that is declared for packages runs in the folder of each."""
    go(stage, step(workspace(stage)))
    assert sorted(ran.cwd for ran in stage.shell.ran) == [
        f"{ROOT}/packages/api",
        f"{ROOT}/packages/web",
    ]


def test_packages_have_keys_of_their_own(stage: Stage) -> None:
    """A change in one package leaves the keys of the others alone."""
    check = workspace(stage)
    before = keys(stage, check)
    stage.tree.texts["packages/api/src/a.ts"] = "changed"
    after = keys(stage, check)
    assert [n for n in sorted(before) if before[n] != after[n]] == ["lint:packages/api"]


def test_one_package_may_be_asked_for(stage: Stage) -> None:
    """A check can be named in one package alone."""
    go(stage, step(workspace(stage), asked=("lint:packages/web",)))
    assert [ran.cwd for ran in stage.shell.ran] == [f"{ROOT}/packages/web"]


def test_a_package_that_has_no_such_check_is_refused(stage: Stage) -> None:
    """To ask for a check in an unknown package is wrong usage: nothing run is no pass."""
    with pytest.raises(WrongUsage, match="there is no check 'lint:packages/wbe'"):
        go(stage, step(workspace(stage), asked=("lint:packages/wbe",)))
    assert ran(stage) == []


def test_packages_without_git_are_refused(stage: Stage) -> None:
    """Where packages cannot be found a check for each of them is not run in none of them."""
    check = workspace(stage)
    stage.tree = NoGit()
    with pytest.raises(CheckoutIsUnfit):
        go(stage, step(check))
    assert ran(stage) == []


def test_a_name_means_every_package(stage: Stage) -> None:
    """The bare name of a check means it in all packages."""
    go(stage, step(workspace(stage), keyed("other", inputs=("package.json",)), asked=("lint",)))
    assert sorted(ran(stage)) == ["lint", "lint"]


def test_only_packages_that_changed_run(stage: Stage) -> None:
    """With a commit to compare with, only the packages that a change touches are checked."""
    check = workspace(stage)
    stage.tree.commits[a_commit()] = dict(stage.tree.texts)
    stage.tree.texts["packages/web/src/a.ts"] = "changed"
    go(stage, replace(step(check), since=a_commit()))
    assert end_of(stage).checks == ("lint:packages/web: passed",)
