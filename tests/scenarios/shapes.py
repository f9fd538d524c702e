"""Repositories of different shapes, for `shipway init`: small ones, but real in every part."""

from __future__ import annotations

import json
from dataclasses import dataclass

PNPM, YARN = "10.34.9", "1.22.22"

NPM_LOCK = ("npm", "install", "--package-lock-only", "--ignore-scripts")
PNPM_LOCK = ("pnpm", "install", "--lockfile-only")
YARN_LOCK = ("yarn", "install", "--ignore-scripts", "--silent")

DOCKERFILE = 'FROM node:22-slim\nCOPY . .\nEXPOSE 8080\nCMD ["node", "server.js"]\n'
SUM_TS = "export function sum(a: number, b: number): number {\n  return a + b;\n}\n"
SUM_CJS = "exports.sum = (a, b) => a + b;\n"
TSCONFIG = """\
{
  "compilerOptions": {
    "target": "es2022",
    "module": "nodenext",
    "strict": true,
    "skipLibCheck": true,
    "declaration": true,
    "outDir": "dist",
    "rootDir": "src"
  },
  "include": ["src"]
}
"""
REFERRED = """\
{
  "compilerOptions": {
    "composite": true,
    "module": "nodenext",
    "strict": true,
    "outDir": "../dist"
  }
}
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """One repository: its files, and what `shipway init` has to make of it.

    `lock` is the command that writes the lockfile; empty where there is nothing to install.
    `made` are the files that the checks have to leave behind, and `breaking` is a change (file,
    old text, new text) with which the check of the last field has to fail.
    """

    name: str
    files: dict[str, str]
    checks: tuple[str, ...]
    breaking: tuple[str, str, str, str]
    lock: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def package(**keys: object) -> str:
    """Write a package.json."""
    first = {"name": "@acme/parcels", "version": "1.0.0", "private": True}
    return json.dumps(first | keys, indent=2) + "\n"


PNPM_VITEST = Shape(
    name="pnpm-vitest-eslint-prettier-typescript",
    files={
        "package.json": package(
            type="module",
            packageManager=f"pnpm@{PNPM}",
            scripts={
                "lint": "eslint . --max-warnings 0",
                "format": "prettier --write .",
                "typecheck": "tsc --noEmit",
                "test": "vitest",
                "build": "tsc",
            },
            devDependencies={
                "@eslint/js": "^9.39.0",
                "eslint": "^9.39.0",
                "prettier": "^3.7.0",
                "typescript": "~5.9.3",
                "typescript-eslint": "^8.48.0",
                "vitest": "^3.2.0",
            },
        ),
        ".gitignore": "node_modules/\ndist/\nreports/\n",
        ".prettierrc.json": '{ "singleQuote": true }\n',
        ".prettierignore": "pnpm-lock.yaml\n",
        "eslint.config.js": (
            "import js from '@eslint/js';\nimport tseslint from 'typescript-eslint';\n\n"
            "export default tseslint.config(\n  { ignores: ['dist/'] },\n"
            "  js.configs.recommended,\n  tseslint.configs.recommended,\n);\n"
        ),
        "tsconfig.json": TSCONFIG,
        "src/sum.ts": SUM_TS,
        "src/sum.test.ts": (
            "import { expect, test } from 'vitest';\nimport { sum } from './sum.js';\n\n"
            "test('sums', () => {\n  expect(sum(1, 2)).toBe(3);\n});\n"
        ),
        "Dockerfile": DOCKERFILE,
    },
    lock=PNPM_LOCK,
    checks=("install", "lint", "format", "types", "unit", "build"),
    made=("reports/unit.xml", "dist/sum.js"),
    breaking=("src/sum.ts", "a + b", "a - b", "unit"),
)

NPM_JEST = Shape(
    name="npm-jest",
    files={
        "package.json": package(
            scripts={"test": "jest --ci"},
            devDependencies={"jest": "^29.7.0", "jest-junit": "^16.0.0"},
        ),
        ".gitignore": "node_modules\ncoverage\n",
        "sum.js": SUM_CJS,
        "sum.test.js": (
            'const { sum } = require("./sum");\ntest("sums", () => expect(sum(1, 2)).toBe(3));\n'
        ),
        "Dockerfile": DOCKERFILE,
    },
    lock=NPM_LOCK,
    checks=("install", "unit"),
    made=("coverage/unit.xml",),
    said=("Pin it",),
    breaking=("sum.js", "a + b", "a - b", "unit"),
)

YARN_1 = Shape(
    name="yarn-1-prettier",
    files={
        "package.json": package(
            license="UNLICENSED",
            packageManager=f"yarn@{YARN}",
            scripts={"format": "prettier --write 'lib/**/*.js'", "test": "node lib/sum.js"},
            devDependencies={"prettier": "^3.7.0"},
        ),
        ".gitignore": "/node_modules/\n",
        "lib/sum.js": 'exports.sum = (a, b) => a + b;\nconsole.log("fine");\n',
    },
    lock=YARN_LOCK,
    checks=("install", "format", "unit"),
    said=("There is no Dockerfile yet", "Not known: the test runner"),
    breaking=("lib/sum.js", "a + b", "a+b", "format"),
)

NODE_TEST = Shape(
    name="node-test-without-typescript",
    files={
        "package.json": package(type="module", scripts={"test": "node --test"}),
        ".gitignore": "node_modules/\nreports/\n",
        "src/sum.js": "export const sum = (a, b) => a + b;\n",
        "test/sum.test.js": (
            'import assert from "node:assert";\nimport test from "node:test";\n'
            'import { sum } from "../src/sum.js";\n\n'
            'test("sums", () => assert.equal(sum(1, 2), 3));\n'
        ),
        "server.js": (
            'import { createServer } from "node:http";\n\n'
            "createServer((request, response) => {\n"
            '  response.statusCode = request.url === "/ready" ? 200 : 404;\n'
            "  response.end();\n"
            "}).listen(process.env.PORT ?? 4000);\n"
        ),
    },
    checks=("unit",),
    made=("reports/unit.xml",),
    said=("container.health: Found in server.js",),
    breaking=("src/sum.js", "a + b", "a - b", "unit"),
)

MOCHA = Shape(
    name="mocha-behind-a-linter",
    files={
        "package.json": package(
            scripts={
                "lint": "eslint .",
                "test": "npm run lint && mocha --recursive test",
            },
            devDependencies={"eslint": "^8.57.0", "mocha": "^11.7.0"},
        ),
        ".gitignore": "node_modules\ntest-results\n",
        ".eslintrc.json": (
            '{ "root": true, "extends": "eslint:recommended",'
            ' "parserOptions": { "ecmaVersion": 2022 }, "env": { "node": true, "mocha": true } }\n'
        ),
        "lib/sum.js": SUM_CJS,
        "test/sum.js": (
            'const assert = require("assert");\nconst { sum } = require("../lib/sum");\n'
            'it("sums", () => assert.equal(sum(1, 2), 3));\n'
        ),
        "Dockerfile.prod": DOCKERFILE,
        "Dockerfile.dev": DOCKERFILE,
    },
    lock=NPM_LOCK,
    checks=("install", "lint", "unit"),
    made=("test-results/unit.xml",),
    said=("Chosen among several: Dockerfile.dev",),
    breaking=("lib/sum.js", "a + b", "a - c", "lint"),
)

BIOME = Shape(
    name="biome-and-a-build",
    files={
        "package.json": package(
            type="module",
            packageManager=f"pnpm@{PNPM}",
            scripts={"check": "biome check --write .", "build": "node build.js"},
            devDependencies={"@biomejs/biome": "^2.3.0"},
        ),
        ".gitignore": "node_modules\nout\n",
        "biome.json": '{ "formatter": { "indentStyle": "space" } }\n',
        "build.js": (
            'import { cpSync } from "node:fs";\n\n'
            'const options = { outdir: "out" };\n'
            'cpSync("src", options.outdir, { recursive: true });\n'
        ),
        "src/sum.js": "export const sum = (a, b) => a + b;\n",
        "Dockerfile": 'FROM node:22-slim\nCOPY out out\nCMD ["node", "out/sum.js"]\n',
    },
    lock=PNPM_LOCK,
    checks=("install", "lint", "build"),
    made=("out/sum.js",),
    said=("the build waits for it",),
    breaking=("src/sum.js", "a + b", "a+b", "lint"),
)

WORKSPACE = Shape(
    name="pnpm-workspace",
    files={
        "package.json": package(
            name="everything",
            packageManager=f"pnpm@{PNPM}",
            devDependencies={"typescript": "~5.9.3"},
        ),
        "pnpm-workspace.yaml": "packages:\n  - packages/*\n",
        ".gitignore": "node_modules\ndist\n",
        "packages/sums/package.json": package(
            name="@acme/sums",
            type="module",
            exports="./dist/sum.js",
            scripts={"build": "tsc", "test": "node --test"},
            devDependencies={"typescript": "~5.9.3"},
        ),
        "packages/sums/tsconfig.json": TSCONFIG,
        "packages/sums/src/sum.ts": SUM_TS,
        "packages/sums/test/sum.test.js": (
            'import { strictEqual } from "node:assert";\nimport { test } from "node:test";\n\n'
            'test("is tested", () => strictEqual(1 + 2, 3));\n'
        ),
        "packages/parcels/package.json": package(
            type="module",
            scripts={"build": "tsc", "start": "node dist/main.js"},
            dependencies={"@acme/sums": "workspace:*"},
        ),
        "packages/parcels/tsconfig.json": TSCONFIG,
        "packages/parcels/src/main.ts": (
            'import { sum } from "@acme/sums";\n\nexport const port: number = sum(4000, 1);\n'
        ),
        "packages/parcels/Dockerfile": (
            "FROM node:22-slim\nCOPY packages/parcels/dist dist\n"
            'EXPOSE 4001\nCMD ["node", "dist/main.js"]\n'
        ),
    },
    lock=PNPM_LOCK,
    checks=("install", "unit", "build"),
    made=("packages/sums/dist/sum.js", "packages/parcels/dist/main.js"),
    said=("Each package tests itself",),
    breaking=("packages/parcels/src/main.ts", ": number", ": string", "build"),
)

REFERENCES = Shape(
    name="typescript-project-references",
    files={
        "package.json": package(
            type="module",
            devDependencies={"typescript": "~5.9.3"},
        ),
        ".gitignore": "node_modules\n*.tsbuildinfo\n",
        "tsconfig.json": (
            '{ "files": [], "references": [{ "path": "./app" }, { "path": "./tools" }] }\n'
        ),
        "app/tsconfig.json": REFERRED,
        "app/sum.ts": SUM_TS,
        "tools/tsconfig.json": REFERRED,
        "tools/tool.ts": "export const tool: string = 'hammer';\n",
        "Dockerfile": DOCKERFILE,
    },
    lock=NPM_LOCK,
    checks=("install", "types"),
    breaking=("tools/tool.ts", "string", "number", "types"),
)

PLAIN = Shape(
    name="javascript-and-a-dockerfile",
    files={
        "server.js": 'require("http").createServer((q, s) => s.end("hello")).listen(8080);\n',
        "package.json": package(name="Hello_World", scripts={"start": "node server.js"}),
        "Dockerfile": DOCKERFILE,
    },
    checks=("syntax",),
    said=("Not known: no route that tells health was found",),
    breaking=("server.js", "createServer((q", "createServer(((q", "syntax"),
)

SHAPES = (
    PNPM_VITEST,
    NPM_JEST,
    YARN_1,
    NODE_TEST,
    MOCHA,
    BIOME,
    WORKSPACE,
    REFERENCES,
    PLAIN,
)

EXPRESS_WITH_DATABASES = Shape(
    name="express-with-mongo-and-redis",
    files={
        "package.json": package(
            scripts={
                "start": "node src/server.js",
                "format": "prettier --write '*.{yml,yaml}'",
                "test": "mocha",
            },
            dependencies={"express": "^5.1.0", "ioredis": "^5.8.0", "mongodb": "^6.20.0"},
            devDependencies={"mocha": "^11.7.0", "prettier": "^3.7.0"},
        ),
        ".gitignore": "node_modules\nreports\n",
        "src/server.js": (
            'const express = require("express");\nconst app = express();\n'
            'app.get("/health", (request, response) => response.sendStatus(200));\n'
            "if (require.main === module) app.listen(process.env.PORT || 5000);\n"
            "module.exports = { app };\n"
        ),
        "test/app.test.js": (
            'const assert = require("assert");\nconst { app } = require("../src/server");\n'
            'it("is an app", () => assert.equal(typeof app.listen, "function"));\n'
        ),
        "test/integration/backends.test.js": (
            'const assert = require("assert");\nconst Redis = require("ioredis");\n'
            'const { MongoClient } = require("mongodb");\n\n'
            "const redis = new Redis(process.env.REDIS_URL);\n"
            "const client = new MongoClient(process.env.MONGODB_URI);\n"
            "after(() => Promise.all([redis.quit(), client.close()]));\n\n"
            'it("keeps a word in Redis", async () => {\n'
            '  await redis.set("word", "kept");\n'
            '  assert.equal(await redis.get("word"), "kept");\n'
            "});\n\n"
            'it("keeps a word in MongoDB", async () => {\n'
            '  const words = client.db().collection("words");\n'
            '  await words.insertOne({ word: "kept" });\n'
            '  assert.equal((await words.findOne({}))?.word, "kept");\n'
            "});\n"
        ),
        "Dockerfile": (
            'FROM node:20-slim\nCOPY . .\nRUN npm ci --omit=dev\nCMD ["node", "src/server.js"]\n'
        ),
    },
    lock=NPM_LOCK,
    checks=("install", "format", "unit", "integration"),
    made=("reports/unit.xml", "reports/integration.xml"),
    said=("container.health: Found in src/server.js",),
    breaking=(
        "test/integration/backends.test.js",
        'get("word"), "kept"',
        'get("word"), "lost"',
        "integration",
    ),
)
