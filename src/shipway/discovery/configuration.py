"""The text of a `shipway.yaml`, written by hand, with a comment beside each key that needs one."""

from __future__ import annotations

from shipway.discovery.draft import CheckDraft, ContainerDraft, ImageDraft
from shipway.discovery.yaml_text import Layout
from shipway.model.lazy import dataclass

_HEAD = (
    "How Shipway delivers this service. Drafted by `shipway init` from what is in the repository:",
    "read it once, correct what is not so, and keep it.",
)
_ENVIRONMENTS = (
    "Not known: your environments. These are the usual two; `cluster` names an ECS cluster."
)

_GATE = "Not known: who has to agree. With `groups` only those people's approvals count."
UNKNOWN = (_ENVIRONMENTS, _GATE)
"""What nobody can see in a repository."""

_AWS = (
    "Without `aws` it is delivered to the embedded default on this machine (`shipway local up`).",
    "aws:",
    "  region: eu-central-1",
    '  account: "123456789012"',
)


@dataclass(frozen=True, slots=True)
class Draft:
    """All that goes into the file; `branch` is empty where it is the usual one."""

    service: str
    service_notes: tuple[str, ...]
    owner: str
    owner_notes: tuple[str, ...]
    branch: str
    container: ContainerDraft
    checks: tuple[CheckDraft, ...]
    checks_notes: tuple[str, ...]
    image: ImageDraft


def configuration(draft: Draft, style: Layout) -> str:
    """Write the whole file."""
    lines = [line for text in _HEAD for line in style.comment(text, 0)]
    lines += _noted(draft.service_notes, style, 0)
    lines.append(style.entry("service", draft.service, 0))
    lines += _noted(draft.owner_notes, style, 0)
    lines.append(style.entry("owner", draft.owner, 0))
    if draft.branch:
        lines.append(style.entry("branch", draft.branch, 0))
    lines += ["", *_container(draft.container, style)]
    lines += ["", *_noted(draft.checks_notes, style, 0), *_checks(draft.checks, style)]
    lines += ["", *_image(draft, style)]
    lines += ["", *_environments(draft, style)]
    lines += ["", *(f"# {text}" for text in _AWS)]
    return "\n".join(lines) + "\n"


def _noted(notes: tuple[str, ...], style: Layout, depth: int) -> list[str]:
    return [line for note in notes for line in style.comment(note, depth)]


def _container(container: ContainerDraft, style: Layout) -> list[str]:
    pad = " " * style.indent
    return [
        "container:",
        *_noted(container.port_notes, style, 1),
        f"{pad}port: {container.port}",
        *_noted(container.health_notes, style, 1),
        style.entry("health", container.health, 1),
    ]


def _checks(checks: tuple[CheckDraft, ...], style: Layout) -> list[str]:
    if not checks:
        return ["checks: {}"]
    names = {check.name for check in checks}
    lines = ["checks:"]
    for check in checks:
        lines += [*_noted(check.notes, style, 1), f"{' ' * style.indent}{check.name}:"]
        for key, text in (
            ("run", check.run),
            ("compose", check.compose),
            ("exit_code_from", check.exit_code_from),
        ):
            lines += [style.entry(key, text, 2)] * bool(text)
        needs = tuple(need for need in check.needs if need in names and need != check.name)
        for key, texts in (
            ("needs", needs),
            ("inputs", check.inputs),
            ("outputs", check.outputs),
        ):
            lines += style.items(key, texts, 2) if texts else []
        lines += [f"{' ' * (2 * style.indent)}shell: true"] * check.through_shell
        if check.env:
            lines.append(f"{' ' * (2 * style.indent)}env:")
            lines += [style.entry(name, value, 3) for name, value in check.env]
        for key, text in (("junit", check.junit), ("cache", check.cache)):
            lines += [style.entry(key, text, 2)] * bool(text)
    return lines


def _image(draft: Draft, style: Layout) -> list[str]:
    image = draft.image
    lines = ["image:", style.entry("repository", draft.service, 1)]
    lines += _noted(image.notes, style, 1)
    lines.append(style.entry("dockerfile", image.dockerfile, 1))
    lines += [style.entry("context", image.context, 1)] * (image.context != ".")
    for key, texts in (("build_args", image.build_args), ("needs", image.needs)):
        lines += style.items(key, texts, 1) if texts else []
    return lines


def _environments(draft: Draft, style: Layout) -> list[str]:
    pad = [" " * (style.indent * n) for n in range(4)]
    probe = [f"{pad[2]}verify:", f"{pad[3]}- http: {style.scalar(draft.container.health)}"]
    return [
        "environments:",
        *style.comment(_ENVIRONMENTS, 1),
        f"{pad[1]}preprod:",
        f"{pad[2]}cluster: preprod",
        *probe,
        f"{pad[1]}production:",
        f"{pad[2]}cluster: production",
        f"{pad[2]}after: preprod",
        *style.comment(_GATE, 2),
        f"{pad[2]}gate:",
        f"{pad[3]}approvals: 1",
        *probe,
    ]
