"""A whole `shipway.yaml` in which every key stands, and the words of each key above it.

The values are made up; the words come from whoever knows the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

NAMED = "<name>"
"""Stands in a key's path for a name that the user chooses."""

LISTED = "[]"
"""Follows in a key's path whatever is a list."""

_WHOLE = """\
service: sender
owner: team-messaging
branch: main

checks:
  install:
    run: pnpm install --frozen-lockfile
    inputs: [package.json, pnpm-lock.yaml]
    outputs: [node_modules]
    cache: in-place
    secrets: { NPM_TOKEN: env:NPM_TOKEN }
    retries: 1
  unit:
    run: vitest run --project unit
    needs: [install]
    inputs: ["src/**", "!src/**/*.md"]
    junit: reports/unit.xml
    timeout: 300
    silence: 60
    cwd: .
    env: { TZ: UTC }
    mutex: [port-3000]
    quarantine:
      - test: queue > retries after a lost connection
        owner: team-messaging
        reason: fails one time in fifty since the new broker
        expires: 2027-03-31
  size:
    run: du -sk dist | sort
    shell: true
  types:
    run: tsc --noEmit
    needs: [install, ^types]
    inputs: ["src/**"]
    per_package: true
  integration:
    compose: docker-compose.integration.yml
    exit_code_from: tests

image:
  repository: sender
  dockerfile: Dockerfile
  context: .
  tags: [sha, branch]
  build_args: [BASE_IMAGE]
  secrets: { npmrc: file:.npmrc }
  needs: [unit]
  registry_cache: true
  sbom: true
  provenance: true

container:
  port: 3000
  cpu: 256
  memory: 512
  health: /healthz
  grace: 10
  tasks: 2
  env: { LOG_LEVEL: info }
  secrets: { MONGO_URL: sender/mongo-url }

task:
  runtimePlatform: { cpuArchitecture: ARM64 }
  containerDefinitions:
    - name: sender
      ulimits: [{ name: nofile, softLimit: 65536, hardLimit: 65536 }]

cache:
  size: 5
  remote:
    bucket: acme-shipway-cache
    prefix: sender
    region: eu-central-1
    public_key: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    signing_key: aws+sm://shipway/cache-key
    branches: [main]

groups:
  qa: [quinn]

migrate:
  run: node dist/migrate.js
  timeout: 900

environments:
  preprod:
    cluster: preprod
    strategy:
      kind: rolling
      min_healthy: 50
      max: 200
      breaker:
        count: 2
        reset_on_healthy: false
      early_success:
        healthy_percent: 100
        cleanup: deferred
    verify:
      - http: /healthz
        status: 200
      - http: /api/messages
        method: GET
        status: [200, 204]
        headers: { Accept: application/json }
        body:
          contains: messages
          matches: '"id": *[0-9]+'
          equals: { /status: ok }
        latency: 250
        answers: 20
        retries: 1
      - run: pnpm run test:acceptance
        timeout: 120
  shadow:
    cluster: shadow
    strategy:
      kind: linear
      linear:
        percent: 25
        bake: 2
      bake: 10
      hooks:
        - function: arn:aws:lambda:eu-central-1:123456789012:function:accept
          role: arn:aws:iam::123456789012:role/ecs-hooks
          stages: [post_test_traffic_shift]
  legacy:
    cluster: legacy
    strategy:
      kind: code_deploy
      code_deploy:
        application: sender
        group: sender-production
        config: CodeDeployDefault.ECSAllAtOnce
  batch:
    cluster: batch
    strategy:
      breaker:
        percent: 25
  fleet:
    cluster: fleet
    strategy:
      breaker:
        unbounded_percent: 150
  production:
    cluster: production
    service: sender
    strategy:
      kind: canary
      canary:
        percent: 5
        bake: 10
      alarms: [sender-5xx]
      pause: [post_test_traffic_shift]
      pause_timeout: 120
      pause_then: rollback
      traffic:
        alternate_target_group: "arn:aws:elasticloadbalancing:eu-central-1:123456789012:\\
          targetgroup/sender-b/0123456789abcdef"
        production_rule: "arn:aws:elasticloadbalancing:eu-central-1:123456789012:\\
          listener-rule/app/sender/0123456789abcdef/0123456789abcdef/0123456789abcdef"
        test_rule: "arn:aws:elasticloadbalancing:eu-central-1:123456789012:\\
          listener-rule/app/sender/0123456789abcdef/0123456789abcdef/0123456789abcdef"
        role: arn:aws:iam::123456789012:role/ecs-traffic
    after: preprod
    migrate:
      run: node dist/migrate.js --careful
      timeout: 3600
    timeout: 1800
    bake: 600
    on_interrupt: detach
    gate:
      approvals: 1
      groups: [qa]
    container:
      cpu: 512
      memory: 1024
      tasks: 4
      env: { LOG_LEVEL: warn }
      secrets: { MONGO_URL: sender/production/mongo-url }
    task: { enableFaultInjection: true }
    verify:
      - http: /healthz
      - alarm: sender-5xx

aws:
  region: eu-central-1
  account: "123456789012"
  execution_role: arn:aws:iam::123456789012:role/sender-execution
  task_role: arn:aws:iam::123456789012:role/sender-task
"""

_KEY_LINE = re.compile(r"^(?P<indent> *)(?P<dash>- )?(?P<key>[a-z_]+):")


def annotated(words: Mapping[str, str]) -> str:
    """Return the example with each key's words above its first use.

    Args:
        words: what each key means, by its path such as `checks.<name>.run`.
    """
    told: set[str] = set()
    lines: list[str] = []
    for path, line in _lines_with_paths(_WHOLE):
        known = _known(path, words)
        if known and known not in told:
            told.add(known)
            lines.append(f"{' ' * (len(line) - len(line.lstrip()))}# {words[known]}")
        lines.append(line)
    return "\n".join(lines) + "\n"


def _lines_with_paths(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each line with the path of the key on it; an empty path where there is none."""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        found = _KEY_LINE.match(line)
        if not found:
            yield (), line
            continue
        indent = len(found["indent"]) + len(found["dash"] or "")
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, found["key"]))
        yield tuple(key for _, key in above), line


def _known(path: tuple[str, ...], words: Mapping[str, str]) -> str:
    """Return the key that a path of the example stands for; empty for a name of the user's own."""
    for key in words:
        parts = key.replace(LISTED, "").split(".")
        pairs = zip(parts, path, strict=False)
        if len(parts) == len(path) and all(part in (NAMED, own) for part, own in pairs):
            return key
    return ""
