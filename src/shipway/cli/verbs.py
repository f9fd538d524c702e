"""Every verb, where it is, and what it does: the one list behind the help page and the commands.

It imports nothing, so that `shipway --help` answers before a person has let go of the key.
"""

from __future__ import annotations

VERBS = {
    "init": ("shipway.cli.init", "Draft a shipway.yaml for the repository here."),
    "import": ("shipway.cli.importing", "Write a shipway.yaml from a service that runs."),
    "deliver": ("shipway.cli.deliver", "From the pushed commit to every environment."),
    "run": ("shipway.cli.checks", "Run the checks, all or some."),
    "resume": ("shipway.cli.checks", "Run again what did not pass."),
    "debug": ("shipway.cli.checks", "Open the environment of a check that ran."),
    "image": ("shipway.cli.deliver", "Check, build and push; record the release."),
    "plan": ("shipway.cli.planning", "Show what a deployment would change."),
    "deploy": ("shipway.cli.environments", "Deploy a release and watch it."),
    "watch": ("shipway.cli.watching", "Follow the deployment that is under way."),
    "verify": ("shipway.cli.verifying", "Look whether an environment is well."),
    "gate": ("shipway.cli.environments", "Ask whether a release may enter, and why not."),
    "approve": ("shipway.cli.environments", "Agree that a release may enter."),
    "reject": ("shipway.cli.environments", "Say that a release must not enter."),
    "promote": ("shipway.cli.environments", "Bring a release through the gate, verified."),
    "rollback": ("shipway.cli.returning", "Return to a release that was good there."),
    "continue": ("shipway.cli.returning", "Let a deployment go on that waits for somebody."),
    "url": ("shipway.cli.environments", "Where an environment answers."),
    "tasks": ("shipway.cli.operate", "The tasks of an environment, and why the others stopped."),
    "logs": ("shipway.cli.logs", "What the containers of an environment write."),
    "exec": ("shipway.cli.exec", "Open a shell in a container that runs."),
    "scale": ("shipway.cli.scale", "Run more or fewer tasks, in step with autoscaling."),
    "doctor": ("shipway.cli.doctor", "What is wrong, why it matters, and how to mend it."),
    "status": ("shipway.cli.history", "What is live where, since when, by whom, and why not."),
    "releases": ("shipway.cli.history", "The releases of this service."),
    "show": ("shipway.cli.history", "One release, and everything that happened to it."),
    "log": ("shipway.cli.history", "The ledger, newest last."),
    "cleanup": ("shipway.cli.cleanup", "Remove what dead runs left in the engine."),
    "local": ("shipway.local.commands", "The embedded default: everything on this machine."),
}
"""Verb to the module that holds it (under the same name) and its line in the help."""

ABOUT = "From git push to production on AWS ECS, and always able to show why."


def help_page() -> str:
    """Return what `shipway --help` prints."""
    width = max(map(len, VERBS))
    lines = [f"  {name:<{width}}  {line}" for name, (_, line) in VERBS.items()]
    return "\n".join(
        (
            "Usage: shipway [OPTIONS] COMMAND [ARGS]...",
            "",
            f"  {ABOUT}",
            "",
            "Options:",
            "  --version   Show the version and exit.",
            "  -h, --help  Show this message and exit.",
            "",
            "Commands:",
            *lines,
            "",
            "`shipway COMMAND --help` explains one.",
        )
    )
