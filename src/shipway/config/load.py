"""Text of a `shipway.yaml` to a Service, or every problem at once with file, line and column.

It takes text, never a path: reading the file is an adapter's work. It looks nothing up in the
environment and evaluates nothing.
"""

from __future__ import annotations

import re
import shlex
from typing import get_args

from pydantic import BaseModel, ValidationError

from shipway.config import crosscheck
from shipway.config.check_schema import CachePart
from shipway.config.checks import check_of, shell_problems
from shipway.config.probe_schema import ProbePart
from shipway.config.schema import (
    Configuration,
    EnvironmentPart,
    MigratePart,
)
from shipway.config.strategy import strategy_rules
from shipway.config.strict_yaml import Data, Document, Path, Problem, dotted, parse
from shipway.config.task_part import MakeShape, overlays, task_findings
from shipway.errors import ConfigurationIsInvalid
from shipway.model.migration import MigrationRules
from shipway.model.probes import AlarmProbe, BodyRule, CommandProbe, HttpProbe, Probe
from shipway.model.service import (
    Aws,
    CacheRules,
    Container,
    Environment,
    GateRules,
    ImageRules,
    OnInterrupt,
    RemoteCache,
    Service,
)


def load(text: str, *, file: str = "shipway.yaml", task_shape: MakeShape | None = None) -> Service:
    """Parse and check a configuration.

    Args:
        text: the file's content.
        file: how problems call it.
        task_shape: makes the shape that `task:` is held against; without it the fields of
            `task:` are kept as they are written, which is enough to read the rest.

    Raises:
        ConfigurationIsInvalid: with every problem, in the order of the file, each as
            `file:line:column path message -> did you mean`.
    """
    document = parse(text)
    problems = list(document.problems)
    configuration: Configuration | None = None
    if document.data is not None or not problems:
        try:
            configuration = Configuration.model_validate(document.data or {})
        except ValidationError as error:
            problems += [_problem(document, found) for found in error.errors()]
    problems += [document.problem(*found) for found in crosscheck.findings(document.data)]
    problems += [document.problem(*found) for found in task_findings(document.data, task_shape)]
    problems += shell_problems(document)
    if problems or configuration is None:
        lines = [f"{file}:{p.line}:{p.column} {p.path} {p.message}" for p in sorted(set(problems))]
        raise ConfigurationIsInvalid(
            tuple(lines), hint="each key is explained in docs/reference/configuration.md"
        )
    return _service(configuration, document.data, task_shape)


def load_data(data: Data, task_shape: MakeShape | None = None) -> Service:
    """Check what was parsed before, where positions do not matter.

    Raises:
        ConfigurationIsInvalid: with the first problems that were found, without positions.
    """
    findings = [*crosscheck.findings(data), *task_findings(data, task_shape)]
    if findings:
        raise ConfigurationIsInvalid(tuple(f"{dotted(path)} {said}" for path, said in findings))
    try:
        return _service(Configuration.model_validate(data), data, task_shape)
    except ValidationError as error:
        raise ConfigurationIsInvalid((str(error),)) from error


def _problem(document: Document, found: object) -> Problem:
    """Say one pydantic finding in our words; its location is our path already."""
    if not isinstance(found, dict):  # pragma: no cover - pydantic's promise
        raise TypeError(found)
    path: Path = tuple(part for part in found["loc"] if part != "[key]")
    kind, message = str(found["type"]), str(found["msg"])
    if kind == "extra_forbidden":
        known = _known_keys(path[:-1])
        message = f"unknown key{crosscheck.suggestion(str(path[-1]), known)}"
    elif kind == "missing":
        return document.problem(path[:-1], f"the key {path[-1]!r} is missing")
    elif kind == "string_pattern_mismatch":
        message = f"{found['input']!r} does not fit {found['ctx']['pattern']}"
    elif kind == "literal_error":
        words = str(found["ctx"]["expected"])
        hint = crosscheck.suggestion(
            str(found["input"]), re.split(", | or ", words.replace("'", ""))
        )
        message = f"{found['input']!r} is not {words}{hint}"
    elif found.get("input") is None:
        message = "has no value"
    return document.problem(path, message[0].lower() + message[1:])


def _known_keys(path: Path) -> list[str]:
    """Return the keys that the schema allows at a path, by walking its models."""
    models: list[type[BaseModel]] = [Configuration]
    for part in path:
        inside: list[type[BaseModel]] = []
        for model in models:
            field = model.model_fields.get(str(part))
            # a name under a mapping, or a number in a list, is not a field: stay at its model
            inside += _models_in(field.annotation) if field else [model]
        models = inside
    return [key for model in models for key in model.model_fields]


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _service(c: Configuration, data: Data, task_shape: MakeShape | None) -> Service:
    tasks = overlays(data, task_shape)
    return Service(
        name=c.service,
        owner=c.owner,
        branch=c.branch,
        checks=tuple(check_of(name, part) for name, part in c.checks.items()),
        image=ImageRules(
            repository=c.image.repository,
            dockerfile=c.image.dockerfile,
            context=c.image.context,
            build_args=tuple(c.image.build_args),
            tag_branch="branch" in c.image.tags,
            tag_nightly="nightly" in c.image.tags,
            secrets=tuple(sorted(c.image.secrets.items())),
            needs=tuple(c.image.needs),
            registry_cache=c.image.registry_cache,
            sbom=c.image.sbom,
            provenance=c.image.provenance,
        ),
        environments=tuple(
            _environment(name, part, c, tasks.get(name, ""))
            for name, part in c.environments.items()
        ),
        groups=tuple((name, tuple(people)) for name, people in c.groups.items()),
        aws=Aws(c.aws.region, c.aws.account, c.aws.execution_role, c.aws.task_role)
        if c.aws
        else None,
        cache=_cache(c.cache, c.branch, c.aws.region if c.aws else ""),
    )


def _cache(part: CachePart, branch: str, region: str) -> CacheRules:
    size, team = part.size * 2**30, part.remote
    if team is None:
        return CacheRules(size)
    remote = RemoteCache(
        bucket=team.bucket,
        prefix=team.prefix,
        region=team.region or region,
        public_key=team.public_key,
        signing_key=team.signing_key,
        branches=tuple(team.branches) or (branch,),
    )
    return CacheRules(size, remote)


def _environment(name: str, part: EnvironmentPart, c: Configuration, task: str) -> Environment:
    own, base = part.container, c.container
    return Environment(
        name=name,
        cluster=part.cluster,
        ecs_service=part.service or c.service,
        strategy=strategy_rules(part.strategy),
        after=part.after,
        gate=GateRules(part.gate.approvals, tuple(part.gate.groups)) if part.gate else None,
        probes=tuple(_probe(p) for p in part.verify),
        container=Container(
            port=base.port,
            cpu=own.cpu or base.cpu,
            memory=own.memory or base.memory,
            health=base.health,
            tasks=own.tasks or base.tasks,
            grace_s=base.grace,
            env=tuple(sorted((base.env | own.env).items())),
            secrets=tuple(sorted((base.secrets | own.secrets).items())),
        ),
        timeout_s=part.timeout,
        task=task,
        bake_s=part.bake,
        migration=_migration(part.migrate or c.migrate),
        on_interrupt=OnInterrupt(part.on_interrupt),
    )


def _migration(part: MigratePart | None) -> MigrationRules | None:
    return MigrationRules(tuple(shlex.split(part.run)), part.timeout) if part else None


def _probe(part: ProbePart) -> Probe:
    if part.alarm is not None:
        return AlarmProbe(part.alarm)
    if part.http is not None:
        body = part.body
        return HttpProbe(
            path=part.http,
            statuses=tuple(part.status),
            timeout_s=part.timeout,
            method=part.method,
            headers=tuple(sorted(part.headers.items())),
            body=BodyRule(body.contains, body.matches, tuple(sorted(body.equals.items()))),
            latency_s=None if part.latency is None else part.latency / 1000,
            answers=part.answers,
            retries=part.retries,
        )
    return CommandProbe(tuple(shlex.split(part.run or "")), part.timeout)
