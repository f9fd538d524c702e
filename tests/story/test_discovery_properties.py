"""Whatever stands in a repository, what `shipway init` drafts is a file that loads."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.story.drafting import drafted

WORDS = st.sampled_from(
    [
        "eslint",
        "prettier --write",
        "tsc -b",
        "vitest",
        "jest",
        "mocha",
        "node --test",
        "&&",
        "|",
        ">",
        "'",
        '"',
        "$A",
        "*",
        "#",
        ": ",
        "\n",
        "\\",
        "--outDir",
        "é",
        "A=1",
        "npm run",
        ".",
        "",
    ]
)
SCRIPTS = st.dictionaries(
    st.sampled_from(
        ["lint", "format", "test", "test:integration", "build", "typecheck", "prebuild"]
    ),
    st.lists(WORDS | st.text(max_size=4), max_size=6).map(" ".join),
)
FILES = st.dictionaries(
    st.sampled_from(
        [
            "Dockerfile",
            "src/main.ts",
            "CODEOWNERS",
            "pnpm-workspace.yaml",
            "tsconfig.json",
            ".gitignore",
            "biome.json",
            "docker-compose.test.yml",
            ".prettierrc",
            "pnpm-lock.yaml",
            "a.test.js",
        ]
    ),
    st.text(max_size=60)
    | st.sampled_from(
        ["FROM x AS tests\nCOPY . .\n", "services: { tests: {} }", "{}", "* @a/b:c #"]
    ),
)
LIBRARIES = st.lists(st.sampled_from(["typescript", "eslint", "mongodb", "pg", "jest", "vitest"]))


@settings(max_examples=150, deadline=None)
@given(SCRIPTS, FILES, LIBRARIES, st.text(max_size=20))
def test_what_is_drafted_loads(
    scripts: dict[str, str], files: dict[str, str], libraries: list[str], name: str
) -> None:
    """Scripts, settings and names of any kind give a configuration without a single problem."""
    manifest = {"name": name, "scripts": scripts, "dependencies": dict.fromkeys(libraries, name)}
    found = drafted({**files, "package.json": manifest})
    assert found.service.environments
    if found.proposal.compose:
        assert "tests" in found.compose()
