"""A configuration is right as a whole, or every problem is told at once, where it stands."""

from __future__ import annotations

import pytest

from shipway.config.load import load
from shipway.errors import ConfigurationIsInvalid
from shipway.model.probes import AlarmProbe, BodyRule, CommandProbe, HttpProbe
from shipway.model.service import CommandCheck, ComposeCheck, GateRules

RIGHT = """\
service: sender
owner: team-messaging
checks:
  lint: { run: eslint . }
  integration: { compose: compose.yml, exit_code_from: tests, needs: [lint] }
image: { repository: sender }
groups: { qa: [quinn] }
environments:
  preprod: { cluster: preprod, verify: [{ http: /healthz }, { run: pnpm run accept }] }
  production: { cluster: production, after: preprod, gate: { approvals: 1, groups: [qa] } }
"""
SMALL = "service: sender\nowner: team\nimage: { repository: sender }\n"
PLACE = "environments: { preprod: { cluster: c } }\n"


def problems(text: str) -> tuple[str, ...]:
    """Every problem of a text, as a person sees it."""
    with pytest.raises(ConfigurationIsInvalid) as found:
        load(text)
    return found.value.problems


def with_check(check: str) -> str:
    """A configuration with one check, which begins at line 5, column 3."""
    return f"{SMALL}checks:\n  {check}\n{PLACE}"


def test_a_right_file_becomes_a_service() -> None:
    """Every part of a right file arrives as a finished value, in the order of the file."""
    service = load(RIGHT)
    lint, integration = service.checks
    assert isinstance(lint, CommandCheck)
    assert lint.command == ("eslint", ".")
    assert isinstance(integration, ComposeCheck)
    assert integration.needs == ("lint",)
    preprod, production = service.environments
    assert preprod.probes == (
        HttpProbe("/healthz", (200,), 60.0),
        CommandProbe(("pnpm", "run", "accept"), 60.0),
    )
    assert (production.after, production.gate) == ("preprod", GateRules(1, ("qa",)))
    assert service.aws is None


def test_what_is_not_said_has_its_default() -> None:
    """A small file delivers `main`, names the ECS service as itself and tags the branch too."""
    service = load(SMALL + PLACE)
    assert (service.branch, service.image.tag_branch, service.checks) == ("main", True, ())
    assert service.environments[0].ecs_service == "sender"
    assert service.environments[0].container.port == 3000


def test_an_environment_changes_only_what_it_names() -> None:
    """What an environment says of its container is laid over what all have in common."""
    text = SMALL + (
        "container: { port: 80, env: { A: '1', B: '2' } }\n"
        "environments: { preprod: { cluster: c, container: { memory: 1024, env: { B: '3' } } } }\n"
    )
    container = load(text).environments[0].container
    assert (container.port, container.cpu, container.memory) == (80, 256, 1024)
    assert container.env == (("A", "1"), ("B", "3"))


def test_every_problem_is_told_at_once_in_the_order_of_the_file() -> None:
    """Mistakes of every kind are told together, each with file, line and column."""
    text = """\
service: Sender
ownr: team
checks:
  lint: { run: eslint ., neds: [install] }
  unit: { run: vitest run, needs: [lnt] }
image: { repository: sender, tags: [sha, brnch] }
environments:
  preprod: { cluster: c, strategy: roling, timeout: soon }
  production: { cluster: p, after: preprd }
"""
    mean, preprod = "-> did you mean", "environments.preprod"
    kinds = "'rolling', 'blue_green', 'canary', 'linear' or 'code_deploy'"
    production, tag = "environments.production", "image.tags[1]"
    assert problems(text) == (
        "shipway.yaml:1:1 (document) the key 'owner' is missing",
        "shipway.yaml:1:1 service 'Sender' does not fit ^[a-z][a-z0-9-]{0,31}$",
        f"shipway.yaml:2:1 ownr unknown key {mean} 'owner'?",
        f"shipway.yaml:4:26 checks.lint.neds unknown key {mean} 'needs'?",
        f"shipway.yaml:5:36 checks.unit.needs[0] there is no check 'lnt' {mean} 'lint'?",
        f"shipway.yaml:6:42 {tag} 'brnch' is not 'sha', 'branch' or 'nightly' {mean} 'branch'?",
        f"shipway.yaml:8:26 {preprod}.strategy.kind 'roling' is not {kinds} {mean} 'rolling'?",
        f"shipway.yaml:8:44 {preprod}.timeout not a whole number in plain digits",
        f"shipway.yaml:9:29 {production}.after there is no environment 'preprd' {mean} 'preprod'?",
    )


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("a: {}", "5:3 checks.a needs either 'run' or 'compose', has neither"),
        (
            "a: { run: x, compose: y, exit_code_from: z }",
            "5:3 checks.a needs either 'run' or 'compose', has both",
        ),
        ("a: { compose: y }", "5:3 checks.a a compose check needs 'exit_code_from'"),
        (
            "a: { run: x, exit_code_from: z }",
            "5:16 checks.a.exit_code_from belongs to 'compose', not to 'run'",
        ),
        ("a: { run: x, needs: [a] }", "5:16 checks.a.needs needs itself: a -> a"),
        ("a: { run: x && y }", "5:8 checks.a.run '&&' needs a shell -> say `shell: true`"),
        ('a: { run: "x \'y" }', "5:8 checks.a.run cannot be split into words"),
        ("a: { run: }", "5:8 checks.a.run has no value"),
        ("a: { run: x, timeout: 0 }", "5:16 checks.a.timeout input should be greater than 0"),
        ("A: { run: x }", "5:3 checks.A 'A' does not fit ^[a-z][a-z0-9-]{0,31}$"),
    ],
)
def test_each_problem_of_a_check_is_told_where_it_stands(check: str, said: str) -> None:
    """A contradiction inside a check is told at its line and column."""
    found = problems(with_check(check))
    assert any(line.startswith(f"shipway.yaml:{said}") for line in found), found


def test_a_circle_of_needs_is_drawn() -> None:
    """A chain of checks that wait for each other is told once, as their circle."""
    text = f"{SMALL}checks:\n  a: {{ run: x, needs: [b] }}\n  b: {{ run: y, needs: [a] }}\n{PLACE}"
    assert problems(text) == ("shipway.yaml:5:16 checks.a.needs needs itself: a -> b -> a",)


def test_an_output_has_one_maker() -> None:
    """Two checks that make the same files are told, the second at its output."""
    text = f"{SMALL}checks:\n  a: {{ run: x, outputs: [o] }}\n  b: {{ run: y, outputs: [o/] }}\n"
    assert problems(text + PLACE) == (
        "shipway.yaml:6:26 checks.b.outputs[0] 'o/' is already made by 'a'",
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ("{ cluster: c, after: later }", "must stand above, since a release passes it first"),
        ("{ cluster: c, verify: [{}] }", "needs either 'http', 'run' or 'alarm', has neither"),
        ("{ cluster: c, verify: [{ http: healthz }] }", "'healthz' does not fit ^/"),
        ("{ cluster: c, gate: { groups: [qq] } }", "there is no group 'qq' -> did you mean 'qq1'?"),
        (
            "{ cluster: c, gate: { approvals: 2, groups: [qq1] } }",
            "asks for 2 approvals, but its groups have 1 people",
        ),
        ("{}", "environments.preprod the key 'cluster' is missing"),
    ],
)
def test_each_problem_of_an_environment_is_told(environment: str, said: str) -> None:
    """What cannot be meant in an environment is told with what would be right."""
    text = (
        f"{SMALL}groups: {{ qq1: [quinn] }}\nenvironments:\n  preprod: {environment}\n"
        "  later: { cluster: l }\n"
    )
    found = problems(text)
    assert len(found) == 1
    assert said in found[0]


def test_an_empty_file_misses_what_must_be_there() -> None:
    """An empty file is told which keys it needs, at its beginning."""
    found = problems("")
    assert len(found) == 4
    assert all(line.startswith("shipway.yaml:1:1 ") for line in found)


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n", "[]\n"])
def test_a_file_of_another_shape_is_told(text: str) -> None:
    """A list or a text instead of keys is a problem, not a crash."""
    assert problems(text)


# --- strict YAML --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("012", "012"),
        ("0o14", "0o14"),
        ("1e7", "1e7"),
        ("12345678e2", "12345678e2"),
        ("21:45:30", "21:45:30"),
        ("2026-01-02", "2026-01-02"),
        ("True", "True"),
        ("1_000", "1_000"),
        ("'~'", "~"),
        ("'null'", "null"),
    ],
)
def test_a_scalar_means_what_is_written(written: str, meant: str) -> None:
    """Norway, octal, sexagesimal, dates and commit ids stay the text that somebody wrote."""
    text = f"{SMALL}container: {{ env: {{ VALUE: {written} }} }}\n{PLACE}"
    assert load(text).environments[0].container.env == (("VALUE", meant),)


@pytest.mark.parametrize("number", ["012", "1_000", "12:30", "0x10", "1e3", "3.0", "yes", "' 8 '"])
def test_a_number_is_written_in_plain_digits(number: str) -> None:
    """Where a number is wanted, nothing but plain decimal digits counts as one."""
    found = problems(f"{SMALL}container: {{ port: {number} }}\n{PLACE}")
    assert found[0].startswith("shipway.yaml:4:14 container.port ")


@pytest.mark.parametrize("nothing", ["", "~", "null"])
def test_no_value_is_told(nothing: str) -> None:
    """An empty value, `null` and `~` are no value, where one is wanted that is told."""
    text = f"{SMALL}container: {{ env: {{ VALUE: {nothing} }} }}\n{PLACE}"
    assert problems(text) == ("shipway.yaml:4:21 container.env.VALUE has no value",)


def test_an_optional_key_may_be_left_empty() -> None:
    """A key that need not be there may also stand there without a value."""
    service = load(f"{SMALL}environments: {{ preprod: {{ cluster: c, gate: , after: ~ }} }}\n")
    assert (service.environments[0].gate, service.environments[0].after) == (None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("owner: a\nowner: b\n", "2:1 owner this key stands here twice"),
        ("a: &x [1]\nb: *x\n", "1:4 b aliases are not allowed; write the value out"),
        ("<<: { a: b }\n", "1:1 (document) merge keys are not allowed; write the values out"),
        ("owner: !secret x\n", "1:8 owner tag !secret is not allowed"),
        ("owner: !!binary eA==\n", "1:8 owner tag tag:yaml.org,2002:binary is not allowed"),
        ("? [a]\n: b\n", "1:3 (document) a key must be plain text"),
        ("a: [b\n", "not YAML: "),
        ("a: 1\n---\nb: 2\n", "not YAML: "),
        ("owner: a\x07b\n", "not YAML: "),
        ("\ta: b\n", "not YAML: "),
    ],
)
def test_yaml_that_can_be_misread_is_refused(text: str, said: str) -> None:
    """Duplicate keys, aliases, merge keys, tags and broken YAML are told where they stand."""
    found = problems(text)
    assert any(said in line for line in found), found


def test_a_key_that_stands_twice_hides_no_other_problem() -> None:
    """The problems of the YAML itself and those of its content are told together."""
    found = problems(f"{SMALL}owner: again\nbrnch: x\n{PLACE}")
    assert found == (
        "shipway.yaml:4:1 owner this key stands here twice",
        "shipway.yaml:5:1 brnch unknown key -> did you mean 'branch'?",
    )


PROBES = """
service: sender
owner: team
image: { repository: sender }
environments:
  preprod:
    cluster: preprod
    bake: 600
    verify:
      - http: /x
        status: [200, 204]
        method: POST
        headers: { Accept: application/json }
        body: { contains: ok, matches: "^o", equals: { /ready: true, /depth: 3 } }
        latency: 250
        answers: 20
        retries: 2
      - alarm: sender-5xx
"""


def test_every_part_of_a_probe_is_read() -> None:
    """Statuses, request, body, latency in seconds, retries; alarms; and how long it bakes."""
    (environment,) = load(PROBES).environments
    body = BodyRule("ok", "^o", (("/depth", "3"), ("/ready", "true")))
    assert environment.bake_s == 600
    assert environment.probes == (
        HttpProbe(
            "/x", (200, 204), 60.0, "POST", (("Accept", "application/json"),), body, 0.25, 20, 2
        ),
        AlarmProbe("sender-5xx"),
    )


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("{ http: /x, alarm: y }", "needs either 'http', 'run' or 'alarm', has both"),
        ("{ timeout: 3 }", "needs either 'http', 'run' or 'alarm', has neither"),
        ("{ run: x, latency: 3 }", "latency belongs to 'http'"),
        ("{ http: /x, body: { matches: '(' } }", "body.matches is no regular expression"),
        ("{ http: /x, body: { equals: { status: ok } } }", "is no JSON pointer"),
        ("{ http: /x, status: [] }", "status"),
        ("{ http: /x, status: 99 }", "status"),
        ("{ http: /x, method: DELETE }", "'DELETE' is not"),
    ],
)
def test_a_probe_that_cannot_be_meant_is_told(probe: str, said: str) -> None:
    """What belongs elsewhere, and what is no pattern, pointer, status or method."""
    text = f"{PROBES.partition('      - http')[0]}      - {probe}\n"
    with pytest.raises(ConfigurationIsInvalid) as found:
        load(text)
    assert said in str(found.value)
