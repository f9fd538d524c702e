"""A tiny service, its git repository and the `shipway` program, for scenarios with real parts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient

WHO = ("-c", "user.name=Dora", "-c", "user.email=dora@example.com")

SERVER = """\
const http = require("node:http");
const answers = { health: 200, word: "hello" };
const server = http.createServer((request, response) => {
  const path = request.url.split("?")[0];
  const body = JSON.stringify({
    commit: process.env.SHIPWAY_COMMIT,
    digest: process.env.SHIPWAY_IMAGE_DIGEST,
    word: answers.word,
  });
  response.statusCode = path === "/healthz" ? answers.health : 200;
  response.setHeader("content-type", "application/json");
  if (stopping) response.setHeader("connection", "close");
  response.end(body);
});
let stopping = false;
process.on("SIGTERM", () => {
  stopping = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
server.listen(3000, "0.0.0.0", () => console.log("ready"));
"""

DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
WORKDIR /app
COPY server.js .
USER 1000
ENTRYPOINT ["node", "server.js"]
"""

CONFIGURATION = """\
service: tiny
owner: testers
container: { port: 3000, health: /healthz, grace: 5 }
checks:
  syntax: { run: node --check server.js }
  wait: { run: 'node -e "setTimeout(() => {}, 300)"', needs: [syntax] }
image: { repository: tiny, build_args: [BASE_IMAGE] }
groups: { qa: [quinn, quentin] }
environments:
  staging:
    cluster: staging
    verify: [{ http: /healthz }, { run: node accept.js }]
  production:
    cluster: production
    after: staging
    gate: { approvals: 1, groups: [qa] }
    verify: [{ http: /healthz }]
"""

ACCEPT = """\
fetch(process.env.SHIPWAY_URL + "/version").then(async (answer) => {
  const found = await answer.json();
  if (found.digest !== process.env.SHIPWAY_IMAGE_DIGEST) throw new Error("another digest");
  if (found.word === "unacceptable") throw new Error("this word is unacceptable");
});
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, with all that it said."""

    status: int
    out: str
    err: str


@dataclass(slots=True)
class Tiny:
    """The tiny service in a working copy whose remote is the embedded default's repository."""

    folder: Path
    env: dict[str, str]
    branch: str = "main"

    @classmethod
    def fresh(cls, folder: Path, env: dict[str, str], *, service: str = "tiny") -> Tiny:
        """Write the service into a new repository, with the remote that `local up` made."""
        folder.mkdir(parents=True)
        tiny = cls(folder, env)
        tiny.write("server.js", SERVER)
        tiny.write("accept.js", ACCEPT)
        tiny.write("Dockerfile", DOCKERFILE)
        text = CONFIGURATION.replace("service: tiny", f"service: {service}")
        tiny.write("shipway.yaml", text.replace("repository: tiny", f"repository: {service}"))
        tiny.git("init", "-q", "-b", tiny.branch)
        assert tiny.shipway("local", "up").status == 0
        bare = Path(env["SHIPWAY_STATE"]) / "git" / f"{service}.git"
        tiny.git("remote", "add", "origin", str(bare))
        return tiny

    def write(self, name: str, text: str) -> None:
        """Write a file of the working copy."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def change(self, old: str, new: str, name: str = "server.js") -> None:
        """Replace what stands exactly once in a file."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, (old, text)
        self.write(name, text.replace(old, new))

    def commit(self, subject: str = "A change", *, push: bool = True) -> str:
        """Commit all there is, push it without starting a delivery, and return its id."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        if push:
            # a branch that is not delivered, so that the test alone says when it begins
            self.git("push", "-q", "origin", f"HEAD:refs/heads/pushed-{self.head()[:8]}")
        return self.head()

    def head(self) -> str:
        """Return the commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        """Run git and return what it says."""
        done = subprocess.run(
            ["git", *WHO, *words],
            cwd=self.folder,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.strip()

    def shipway(self, *words: str, extra: dict[str, str] | None = None) -> Ended:
        """Run one `shipway` command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "shipway", *words],
            cwd=self.folder,
            env=self.env | (extra or {}),
            check=False,
            capture_output=True,
            text=True,
            timeout=240,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def deliver_to_production(self, by: str = "quinn") -> str:
        """Deliver the commit, approve it and promote it; return its release."""
        delivered = self.shipway("deliver")
        assert delivered.status == 4, delivered
        release = self.release()
        assert self.shipway("approve", "production", "--as", by).status == 0
        promoted = self.shipway("promote", "production")
        assert promoted.status == 0, promoted
        return release

    def name(self) -> str:
        """Return the name of the service."""
        text = (self.folder / "shipway.yaml").read_text(encoding="utf-8")
        return text.splitlines()[0].removeprefix("service: ")

    def release(self) -> str:
        """Return the name that the commit's release has."""
        return f"{self.name()}-{self.head()[:8]}"

    def live(self, environment: str) -> str | None:
        """Return the release that the ledger says is live."""
        report = json.loads(self.shipway("status", "--json").out)
        found = next(e for e in report["environments"] if e["environment"] == environment)
        return found["live"]["release"] if found["live"] else None

    def last(self, environment: str) -> dict[str, object]:
        """Return what was tried last in an environment."""
        report = json.loads(self.shipway("status", "--json").out)
        found = next(e for e in report["environments"] if e["environment"] == environment)
        last = found["last"]
        assert isinstance(last, dict)
        return last

    def ask(self, environment: str, path: str = "/version") -> dict[str, str]:
        """GET a path of an environment and return its JSON."""
        address = self.shipway("url", environment).out.strip()
        with urllib.request.urlopen(f"{address}{path}", timeout=10) as answer:
            found = json.load(answer)
        assert isinstance(found, dict)
        return found

    def events(self, kind: str) -> list[dict[str, object]]:
        """Return the ledger's entries of one kind, oldest first."""
        lines = self.shipway("log", "--json", "--limit", "500").out.splitlines()
        return [e for e in map(json.loads, lines) if e["event"] == kind]

    def deliver_and_kill(self, event: str, text: str = "") -> list[str]:
        """Run `deliver` and kill it with -9 the moment it tells that event; return what it told."""
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "shipway", "deliver", "--json"],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        told: list[str] = []
        with process:
            for line in process.stdout or ():
                told.append(line)
                if json.loads(line).get("event") == event and text in line:
                    process.send_signal(signal.SIGKILL)
                    break
            else:
                raise AssertionError(f"never told {event} {text}: {told[-3:]}")
        return told


def surroundings(state: Path, images: dict[str, str]) -> dict[str, str]:
    """Return the environment of every program in a scenario."""
    return os.environ | images | {"SHIPWAY_STATE": str(state), "NO_COLOR": "1"}


def ecr(tiny: Tiny) -> ECRClient:
    """Return a client of the registry's API, as any AWS tool would make it."""
    session, found = _session(tiny)
    return session.client("ecr", endpoint_url=found["aws"], config=_CONFIG)


def ecs(tiny: Tiny) -> ECSClient:
    """Return a client of the orchestrator's API, as any AWS tool would make it."""
    session, found = _session(tiny)
    return session.client("ecs", endpoint_url=found["ecs"], config=_CONFIG)


_CONFIG = Config(proxies={})


def _session(tiny: Tiny) -> tuple[boto3.Session, dict[str, str]]:
    text = (Path(tiny.env["SHIPWAY_STATE"]) / "local.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    session = boto3.Session(
        aws_access_key_id=found["account"],
        aws_secret_access_key="none",  # noqa: S106 - nobody checks it
        region_name=found["region"],
    )
    return session, found
