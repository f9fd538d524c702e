"""`shipway init` sees what the image is made of, what it listens on, and who answers for it."""

from __future__ import annotations

import pytest

from shipway.discovery.proposal import propose
from shipway.discovery.seen import Seen
from tests.story.drafting import drafted, package

BUILDING = (
    "FROM node:22 AS build\nRUN npm run build\nFROM node:22-slim\nCOPY --from=build dist dist\n"
)
TAKING = (
    'FROM node:22-slim\nCOPY package.json ./\nCOPY ./dist/ dist\nCMD ["node", "dist/main.js"]\n'
)
WHOLE = 'FROM node:22-slim\nCOPY . .\nCMD ["node", "dist/main.js"]\n'


@pytest.mark.parametrize(
    ("dockerfile", "needs"),
    [(BUILDING, ()), (TAKING, ("build",)), (WHOLE, ("build",))],
)
def test_an_image_waits_for_what_it_takes_from_the_checkout(
    dockerfile: str, needs: tuple[str, ...]
) -> None:
    """An image that copies what a check makes needs that check; one that builds by itself, none."""
    manifest = package({"build": "esbuild a.js --outdir=dist"}, "esbuild")
    files = {"package.json": manifest, "a.js": "", "Dockerfile": dockerfile}
    assert drafted(files).service.image.needs == needs


def test_the_likeliest_dockerfile_is_chosen_and_said() -> None:
    """A Dockerfile for development is not the one, and the choice is said beside it."""
    files = dict.fromkeys(
        ("Dockerfile.dev", "docker/Dockerfile", "Dockerfile.production"), "FROM x\n"
    )
    found = drafted(files)
    assert found.service.image.dockerfile == "Dockerfile.production"
    assert "docker/Dockerfile, Dockerfile.dev" in found.remarks("image.dockerfile")


def test_a_missing_dockerfile_is_said() -> None:
    """Without a Dockerfile the rest is drafted all the same."""
    found = drafted({"package.json": package()})
    assert found.service.image.dockerfile == "Dockerfile"
    assert "There is no Dockerfile yet" in found.remarks("image.dockerfile")


def test_build_arguments_are_those_that_a_caller_may_give() -> None:
    """Arguments of `FROM` and those without a default are passed on, but no secret is."""
    text = "ARG BASE=node:22\nFROM ${BASE}\nARG COMMIT\nARG REGION\nARG LEVEL=1\nARG NPM_TOKEN\n"
    found = drafted({"Dockerfile": text})
    assert found.service.image.build_args == ("BASE", "REGION")
    assert "NPM_TOKEN stays readable" in found.remarks("image.dockerfile")


def test_the_context_is_where_the_copied_files_are() -> None:
    """A package's Dockerfile that copies its own files is built from its own folder."""
    inside = {"app/Dockerfile": "FROM x\nCOPY src src\n", "app/src/a.js": "", "b.js": ""}
    assert drafted(inside).service.image.context == "app"
    from_root = inside | {"app/Dockerfile": "FROM x\nCOPY app/src src\n"}
    assert drafted(from_root).service.image.context == "."


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("app.listen(process.env.PORT || 4000)", 4000),
        ('const port = Number(process.env["PORT"] ?? "4001");', 4001),
        ("server.listen(4002, () => {});", 4002),
        ("await app.listen({ host, port: 4003 });", 4003),
        ("PORT: z.coerce.number().default(4004)", 4004),
        ("const { PORT = 4005 } = process.env;", 4005),
        ("export default { port: 4006, fetch: app.fetch };", 4006),
    ],
)
def test_the_port_is_the_default_in_the_code(text: str, port: int) -> None:
    """The number that the code falls back on is the container's port."""
    found = drafted({"package.json": package(), "src/main.ts": text})
    assert found.service.environments[0].container.port == port
    assert not found.remarks("container.port")


def test_a_test_does_not_say_the_port() -> None:
    """Ports and routes in tests are not the service's."""
    found = drafted({"package.json": package(), "src/app.test.ts": "app.listen(9999)"})
    assert found.service.environments[0].container.port == 3000
    assert "Not known: the port" in found.remarks("container.port")


def test_what_the_dockerfile_exposes_goes_first() -> None:
    """Where Dockerfile and code disagree, the former counts and both are said."""
    found = drafted({"Dockerfile": "FROM x\nEXPOSE 80/tcp\n", "main.js": "app.listen(81)"})
    assert found.service.environments[0].container.port == 80
    assert "main.js says 81" in found.remarks("container.port")


@pytest.mark.parametrize(
    ("files", "route"),
    [
        ({"a.js": 'app.get("/healthz", (q, s) => s.end())'}, "/healthz"),
        ({"a.js": 'fastify.route({ method: "GET", url: "/ready" })'}, "/ready"),
        ({"a.js": 'router.get("/live", x);\nrouter.get("/api/health", x);'}, "/api/health"),
        ({"a.js": 'if (request.url === "/livez") end();'}, "/livez"),
        (
            {
                "health.controller.ts": '@Controller("health")\nclass A { @Get() get() {} }',
                "main.ts": 'app.setGlobalPrefix("api")',
            },
            "/api/health",
        ),
        ({"src/app/api/health/route.ts": "export const GET = x;"}, "/api/health"),
        ({"pages/api/healthz.ts": "export default x;"}, "/api/healthz"),
    ],
)
def test_the_health_route_is_found_in_the_code(files: dict[str, str], route: str) -> None:
    """The route that tells health is found in each framework's way of writing it, and verified."""
    found = drafted({"package.json": package(), **files})
    assert found.service.environments[0].container.health == route
    assert f"- http: {route}\n" in found.proposal.configuration


def test_an_unknown_health_route_is_said() -> None:
    """Without such a route the usual path is written, with a comment."""
    found = drafted({"package.json": package(), "a.js": 'app.get("/users", x)'})
    assert found.service.environments[0].container.health == "/healthz"
    assert "Not known" in found.remarks("container.health")


def test_the_owner_is_who_owns_everything() -> None:
    """CODEOWNERS names the team; without it, the file says that it is not known."""
    known = drafted(
        {"package.json": package(), ".github/CODEOWNERS": "# us\n* @acme/team-parcels\n"}
    )
    assert known.service.owner == "team-parcels"
    unknown = drafted({"package.json": package()})
    assert unknown.service.owner == "unknown"
    assert "Not known" in unknown.remarks("owner")


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("@acme/parcels-api", "parcels-api"),
        ("Parcels_API.v2", "parcels-api-v2"),
        ("", "parcels"),
        ("123", "service"),
        ("x" * 40, "x" * 32),
    ],
)
def test_a_service_gets_a_name_that_is_allowed(name: str, service: str) -> None:
    """The package's name, or the folder's, becomes one of lower case, digits and hyphens."""
    assert drafted({"package.json": package(name=name)}).service.name == service


def test_the_branch_is_written_where_it_is_not_the_usual() -> None:
    """A repository that is delivered from another branch says so."""
    assert drafted({"package.json": package()}, branch="master").service.branch == "master"
    assert "branch:" not in drafted({"package.json": package()}).proposal.configuration


def test_the_service_of_a_workspace_is_the_package_with_a_dockerfile() -> None:
    """In a workspace, name, port and image are those of the package that is delivered."""
    files = {
        "package.json": package(name="all", workspaces=["apps/*"]),
        "apps/api/package.json": package(name="@acme/api"),
        "apps/api/main.js": "app.listen(4000)",
        "apps/api/Dockerfile": "FROM x\nCOPY apps/api .\n",
        "apps/web/package.json": package(None, "next", name="@acme/web"),
        "apps/web/main.js": "app.listen(5000)",
    }
    service = drafted(files).service
    assert (service.name, service.image.dockerfile) == ("api", "apps/api/Dockerfile")
    assert service.environments[0].container.port == 4000


def test_a_repository_of_another_language_is_said_to_be_one() -> None:
    """Without a package.json there are no checks, and the file says why."""
    found = drafted({"Dockerfile": "FROM python:3\n", "app.py": ""})
    assert found.names() == []
    assert "only Node's tools are known" in found.remarks("checks")


@pytest.mark.parametrize("text", ["{", '{"scripts": []}', '{"name": 1, "workspaces": {}}', "[]"])
def test_a_strange_manifest_is_no_obstacle(text: str) -> None:
    """A package.json that is broken, or of another shape, still gives a file that loads."""
    assert drafted({"package.json": text, "a.js": ""}).service.name


def test_a_huge_repository_is_said_to_be_seen_in_part() -> None:
    """That files were left out stands among the remarks."""
    proposal = propose(Seen("x", ("package.json",), {}, None, complete=False))
    assert any("more files than were looked at" in r.text for r in proposal.remarks)
