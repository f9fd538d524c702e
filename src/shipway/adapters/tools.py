"""The programs outside the checkout that checks run: where each is, and what version it has.

It knows how to ask a program, and remembers what it said. It refuses to judge: which version is
right is `checks.pins`' business.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from shipway.adapters.shell import LocalShell
from shipway.errors import ToolIsMissing

ASK_S = 10.0
"""How long a program may take to say its version."""

_FIRST_BYTES = 4096
_MEMORY_FORMAT = 1
_MOST_REMEMBERED = 500
_SHELLS = frozenset(("sh", "ash", "bash", "busybox", "dash", "zsh"))
_PINS = (".node-version", ".nvmrc", ".python-version", ".tool-versions", ".mise.toml", "mise.toml")
_PINNING_KEYS = ("devEngines", "packageManager", "volta")  # of package.json
_SWITCHES = frozenset(("asdf", "mise", "nodenv", "proto-shim", "pyenv", "rtx", "volta-shim"))
_SHIM = re.compile(r"(?:exec|&&|\|\|)\s+\S*\bnode\b|\bnode(?:\.exe)?\"?\s+\"?\$basedir")
_NOISE = re.compile(r"\(node:\d+\)|\bwarn", re.IGNORECASE)


class InstalledTools:
    """`ports.Tools` on this machine.

    A program is what `PATH` finds first, `node_modules/.bin` of its folder and of the root before
    it. What it said of its version is remembered by the file it is (path, size, time) and by what
    the checkout pins, since corepack and pnpm follow a pin. A program that does not say a version
    is known by its content. One in the checkout has the version of what interprets it outside, as
    node; none where nothing does.

    Args:
        root: of the checkout.
        folder: of the cache, where `tools.json` is kept.
        environ: environment variables, for `PATH`.
        patience_s: how long a program may take to answer.
    """

    def __init__(
        self,
        root: str,
        folder: Path,
        shell: LocalShell,
        environ: Mapping[str, str],
        patience_s: float = ASK_S,
    ) -> None:
        self._patience_s = patience_s
        self._root, self._file, self._shell = Path(root).absolute(), folder / "tools.json", shell
        self._path = environ.get("PATH", os.defpath)
        self._said: dict[str, str] = {}
        self._pinned: dict[Path, str] = {}
        self._remembered: dict[str, str] | None = None

    def version(self, program: str, cwd: str) -> str:
        """Return what a program says of its version; see `ports.Tools`.

        `cwd` is relative to the root, or absolute.
        """
        return self._version(program, self._root / cwd, None)

    def _version(self, program: str, folder: Path, asking: Path | None) -> str:
        found = self._find(program, folder)
        if found == asking:  # a wrapper of the name of what it wraps
            return ""
        interpreter = _interpreter(found)
        within = ""
        if interpreter:
            within = f"{interpreter} {self._version(interpreter, folder, found)}".rstrip()
        if found.is_relative_to(self._root):
            return within
        own = self._own(found, folder)
        return f"{own}, {within}" if within else own

    def _find(self, program: str, folder: Path) -> Path:
        named = str(folder / program) if os.sep in program else program
        found = shutil.which(named, path=self._path_from(folder))
        if found is None:
            raise ToolIsMissing(
                f"there is no program {program!r}",
                hint="install it, or add the check that installs it to `needs`",
            )
        return Path(os.path.normpath(self._root / found))

    def _path_from(self, folder: Path) -> str:
        first = (folder / "node_modules/.bin", self._root / "node_modules/.bin")
        return os.pathsep.join([*map(str, first), self._path])

    def _own(self, found: Path, folder: Path) -> str:
        """What a file outside the checkout says, from memory where it said it before."""
        true = found.resolve()
        status = true.stat()
        pins = self._pins(folder)
        # many programs are one file, and look at how they are called
        key = f"{true}|{status.st_size}|{status.st_mtime_ns}|{found.name}|{pins}"
        lasts = not _switches(found, true, pinned=bool(pins))
        said = self._said.get(key) or (self._memory().get(key) if lasts else None)
        if said is None:
            said = self._ask(found, folder) or _content(true)
            if lasts:
                self._remember(key, said)
        self._said[key] = said
        return said

    def _ask(self, found: Path, folder: Path) -> str:
        """The first line that looks like a version; empty where the program does not know."""
        lines: list[str] = []
        done = self._shell.run(
            (str(found), "--version"),
            cwd=str(folder),
            env={
                "PATH": self._path_from(folder),
                "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
                "NO_COLOR": "1",
            },
            on_line=lines.append,
            timeout_s=self._patience_s,
        )
        if done.status != 0 or done.timed_out:
            return ""
        telling = (line.strip() for line in lines if not _NOISE.search(line))
        return next((line for line in telling if any(map(str.isdigit, line))), "")

    def _pins(self, folder: Path) -> str:
        """What the checkout pins for a folder, as a short digest; empty where it pins nothing."""
        if folder not in self._pinned:
            pins = json.dumps(list(self._pins_above(folder)))
            self._pinned[folder] = hashlib.sha256(pins.encode()).hexdigest()[:16] * (pins != "[]")
        return self._pinned[folder]

    def _pins_above(self, folder: Path) -> Iterator[tuple[str, str]]:
        for place in (folder, *folder.parents):
            if not place.is_relative_to(self._root):
                return
            for name in _PINS:
                with suppress(OSError):
                    yield name, (place / name).read_text("utf-8", "replace")
            with suppress(OSError, ValueError, AttributeError):
                manifest = json.loads((place / "package.json").read_bytes())
                pinned = {key: manifest.get(key) for key in _PINNING_KEYS}
                if any(pinned.values()):
                    yield "package.json", json.dumps(pinned)

    def _memory(self) -> dict[str, str]:
        if self._remembered is None:
            self._remembered = self._read()
        return self._remembered

    def _read(self) -> dict[str, str]:
        """What is on the disk; nothing where it is damaged, since asking again is right."""
        try:
            data: object = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        match data:
            case {"format": int(number), "said": dict(said)} if number == _MEMORY_FORMAT:
                return {str(key): value for key, value in said.items() if isinstance(value, str)}
            case _:
                return {}

    def _remember(self, key: str, said: str) -> None:
        """Add to what is on the disk now; another run may have written meanwhile."""
        known = list({**self._read(), key: said}.items())
        self._remembered = dict(known[-_MOST_REMEMBERED:])
        text = json.dumps({"format": _MEMORY_FORMAT, "said": self._remembered})
        draft = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
        with suppress(OSError):  # a memory that cannot be written costs time, nothing else
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._file)


def _switches(found: Path, true: Path, *, pinned: bool) -> bool:
    """Tell whether a file only chooses a program, by settings that lie outside the checkout."""
    if "corepack" in true.parts:
        return not pinned
    return true.name in _SWITCHES or found.parent.name == "shims" or ".volta" in found.parts


def _interpreter(found: Path) -> str:
    """Return the program that a script is for; empty for a shell, and for what is no script.

    The wrappers that pnpm puts into `node_modules/.bin` are for a shell, which starts node.
    """
    with suppress(OSError), found.open("rb") as file:
        text = file.read(_FIRST_BYTES).decode("utf-8", "replace")
        if not text.startswith("#!"):
            return ""
        words = text[2:].partition("\n")[0].split()
        words = [word for word in words if not word.startswith("-")]
        if words and Path(words[0]).name == "env":
            words = [word for word in words[1:] if "=" not in word]
        name = words[0] if words else ""
        if Path(name).name not in _SHELLS:
            return name
        if found.parent.name == ".bin" and _SHIM.search(text):
            return "node"
    return ""


def _content(file: Path) -> str:
    with file.open("rb") as opened:
        return f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"
