"""The verbs that need no outside: what they show, and how they refuse."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.adapters.ledger_sqlite import SqliteLedger
from shipway.cli.main import main
from shipway.cli.verbs import VERBS
from shipway.model.outcome import Outcome
from shipway.testing.builders import an_entry
from tests.story.telling import PRODUCTION, A, B, Story

CONFIGURATION = """\
service: sender
owner: team-messaging
checks: { lint: { run: "true" } }
image: { repository: sender }
groups: { qa: [quinn, "Ada Author"] }
environments:
  preprod: { cluster: preprod }
  production: { cluster: production, after: preprod, gate: { approvals: 1, groups: [qa] } }
"""


class Terminal:
    """A checkout and a state folder, and the command line in them."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys
        self.out, self.err = "", ""

    def __call__(self, *words: str) -> int:
        """Run a verb and return its exit status."""
        with pytest.raises(SystemExit) as left:
            main(list(words))
        self.out, self.err = self._capsys.readouterr()
        return int(str(left.value.code))

    def configure(self, text: str = CONFIGURATION) -> Terminal:
        """Write a configuration."""
        (self.root / "shipway.yaml").write_text(text, encoding="utf-8")
        return self

    def remember(self, story: Story) -> Terminal:
        """Write a history into the ledger."""
        ledger = SqliteLedger(str(self.root / "state" / "ledger.sqlite"))
        for n, (run, event) in enumerate(story.told):
            ledger.append(an_entry(event, at=1_700_000_000.0 + n, run=run))
        return self

    @property
    def answer(self) -> dict[str, object]:
        """The last line of the output, as JSON."""
        found = json.loads(self.out.splitlines()[-1])
        assert isinstance(found, dict)
        return found


@pytest.fixture
def shipway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """The command line in an empty folder; the signals are given back."""
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SHIPWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SHIPWAY_ACTOR", "robin")
    yield Terminal(tmp_path, capsys)
    for number, handler in before.items():
        signal.signal(number, handler)


def delivered() -> Story:
    """A history in which A went to production and B failed in pre-production."""
    return Story().recorded(A).live(A).live(A, PRODUCTION).recorded(B).failed_verification(B)


def test_a_wrong_verb_suggests_the_right_one(shipway: Terminal) -> None:
    """A mistyped verb exits 2 and names the closest one."""
    assert shipway("delivr") == 2
    assert "Did you mean 'deliver'?" in shipway.err


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "local"])
def test_every_verb_explains_itself(shipway: Terminal, verb: str) -> None:
    """Each verb has a help of its own, and most speak JSON."""
    assert shipway(verb, "--help") == 0
    assert f"Usage: shipway {verb}" in shipway.out
    assert "--json" in shipway.out


def test_without_a_configuration_nothing_is_done(shipway: Terminal) -> None:
    """A folder that is no service exits 2 and says where to go."""
    assert shipway("status") == 2
    assert "there is no shipway.yaml" in shipway.err
    assert "-> go to a service's repository" in shipway.err


def test_every_problem_of_a_configuration_is_shown(shipway: Terminal) -> None:
    """An invalid configuration exits 2 with all its problems, each where it stands."""
    shipway.configure("service: Sender\nowner: a\nimge: { repository: x }\n")
    assert shipway("status") == 2
    assert "shipway.yaml has 4 problems" in shipway.err
    assert "shipway.yaml:3:1 imge unknown key -> did you mean 'image'?" in shipway.err


def test_a_configuration_is_found_from_below(
    shipway: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder inside the service's repository is as good as its root."""
    shipway.configure()
    (shipway.root / "src").mkdir()
    monkeypatch.chdir(shipway.root / "src")
    assert shipway("status") == 0


def test_an_unknown_environment_names_those_there_are(shipway: Terminal) -> None:
    """A mistyped environment exits 2 with the declared ones."""
    assert shipway.configure()("gate", "prod", "--release", "x") == 2
    assert "there are: preprod, production" in shipway.err


def test_an_unknown_release_is_told(shipway: Terminal) -> None:
    """A release that does not exist exits 2 and says how to see those that do."""
    assert shipway.configure()("show", "nothing") == 2
    assert "`shipway releases` lists them" in shipway.err


def test_an_error_is_json_too(shipway: Terminal) -> None:
    """With --json an error is one object on stdout, beside the words on stderr."""
    assert shipway.configure()("show", "nothing", "--json") == 2
    assert shipway.answer["error"] == "release-is-unknown"
    assert shipway.answer["exit"] == 2
    assert {"where", "message", "hint"} <= set(shipway.answer)
    assert shipway.err.startswith("shipway: there is no release 'nothing'")


def test_a_service_without_history_is_told(shipway: Terminal) -> None:
    """Before the first delivery nothing is live, and each verb says how to begin."""
    shipway.configure()
    for verb, said in (("status", "never"), ("releases", "no releases yet"), ("log", "nothing")):
        assert shipway(verb) == 0
        assert said in shipway.out


def test_status_says_what_is_live_and_what_was_tried(shipway: Terminal) -> None:
    """Each environment has its live release, by whom, and its last try."""
    assert shipway.configure().remember(delivered())("status") == 0
    title, _, preprod, production, why, reason = shipway.out.splitlines()
    assert title == "sender (team-messaging)"
    assert preprod.split()[:2] == ["preprod", B.name]
    assert "delivery succeeded, verification failed" in preprod
    assert why == f"why {B.name} is not live and well in preprod:"
    assert reason == "  delivery succeeded, verification failed: so"
    assert production.split()[:2] == ["production", A.name]
    assert "verified" in production


def test_status_is_json_too(shipway: Terminal) -> None:
    """For machines every fact of a try has its own key."""
    shipway.configure().remember(delivered())("status", "--json")
    live = json.loads(shipway.out)["environments"][1]["live"]
    assert (live["release"], live["digest"], live["verified"]) == (A.name, A.digest, "passed")


def test_releases_are_listed_newest_first(shipway: Terminal) -> None:
    """Each release says where it was verified."""
    assert shipway.configure().remember(delivered())("releases") == 0
    _, second, first = shipway.out.splitlines()
    assert second.startswith(B.name)
    assert first.startswith(A.name)
    assert "preprod, production" in first


def test_a_release_shows_its_whole_story(shipway: Terminal) -> None:
    """`show` finds it by the beginning of its commit, with image and every try."""
    assert shipway.configure().remember(delivered())("show", A.commit[:8]) == 0
    assert A.image in shipway.out
    assert shipway.out.count("delivery succeeded, verified, by dev") == 2


def test_the_log_is_the_ledger(shipway: Terminal) -> None:
    """Each entry is a line, newest last; with --json each line is an object."""
    shipway.configure().remember(delivered())
    assert shipway("log", "--limit", "2") == 0
    assert len(shipway.out.splitlines()) == 2
    assert "VerificationEnded" in shipway.out.splitlines()[-1]
    assert shipway("log", "--json") == 0
    assert {json.loads(line)["service"] for line in shipway.out.splitlines()} == {"sender"}


def test_the_gate_says_no_with_four(shipway: Terminal) -> None:
    """Without approval the gate exits 4 with its reasons; with one it says yes."""
    shipway.configure().remember(delivered())
    assert shipway("gate", "production", "--release", A.name) == 4
    assert "0 of 1 approvals of qa" in shipway.err
    assert shipway("approve", "production", "--release", A.name, "--as", "quinn") == 0
    assert shipway("gate", "production", "--release", A.name) == 0
    assert "approved by quinn" in shipway.out


@pytest.mark.parametrize(
    ("who", "status", "said"),
    [
        ("robin", 4, "robin belongs to none of: qa"),
        ("Ada Author", 4, "somebody else has to approve it"),
        ("null", 2, "'null' is nobody"),
        ("", 2, "'' is nobody"),
    ],
)
def test_an_approval_that_cannot_count_is_not_written(
    shipway: Terminal, who: str, status: int, said: str
) -> None:
    """Strangers, authors and nobody are refused before anything is kept for ever."""
    shipway.configure().remember(delivered())
    assert shipway("approve", "production", "--release", A.name, "--as", who) == status
    assert said in shipway.err
    shipway("log")
    assert "ApprovalGiven" not in shipway.out


def test_a_rejection_is_kept_with_its_reason(shipway: Terminal) -> None:
    """`reject` closes the gate, and the reason is shown to whoever asks."""
    shipway.configure().remember(delivered())
    words = ("production", "--release", A.name, "--as", "quinn")
    assert shipway("reject", *words, "--comment", "wrong colour") == 0
    assert shipway("gate", "production", "--release", A.name) == 4
    assert "quinn rejected it: wrong colour" in shipway.err


def test_without_the_embedded_default_nothing_is_deployed(shipway: Terminal) -> None:
    """Where nothing is up, a deployment exits 5 and says how to start it."""
    shipway.configure().remember(delivered())
    assert shipway("promote", "preprod", "--release", A.name) == 5
    assert "the embedded default is not running" in shipway.err
    assert "`shipway local up` starts it" in shipway.err


def test_a_pushed_commit_is_not_delivered_to_nowhere(
    shipway: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`deliver` in a clean clone, while nothing is up, exits 5 and makes no release."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    who = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.test")
    shipway.configure()
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "shipway.yaml"),
        ("commit", "-q", "-m", "First"),
        ("init", "-q", "--bare", "state/bare"),
        ("remote", "add", "origin", "state/bare"),
        ("push", "-q", "origin", "main"),
    ):
        subprocess.run((*who, *words), check=True, capture_output=True)
    (shipway.root / ".git/info/exclude").write_text("state\ncache\n", encoding="utf-8")
    assert shipway("deliver") == 5
    assert "`shipway local up` starts it" in shipway.err
    assert shipway("releases") == 0
    assert "no releases yet" in shipway.out


def test_a_rollback_to_nothing_is_refused(shipway: Terminal) -> None:
    """Without an earlier good release a rollback exits 2, before anything is touched."""
    assert shipway.configure().remember(delivered())("rollback", "production") == 2
    assert "no earlier release was verified here" in shipway.err


def test_a_rollback_overlooks_what_is_broken_elsewhere(shipway: Terminal) -> None:
    """A mistake in a check does not stop a rollback, which gets as far as the embedded default."""
    broken = CONFIGURATION.replace('run: "true"', 'rum: "true"')
    story = delivered().live(B, PRODUCTION)
    assert shipway.configure(broken).remember(story)("rollback", "production") == 5
    assert "shipway.yaml has 2 problems elsewhere; going back anyway" in shipway.err
    assert shipway.configure(broken)("status") == 2


def test_a_rollback_does_not_guess_what_it_needs(shipway: Terminal) -> None:
    """A mistake in the environment itself is told with its position, and nothing is touched."""
    broken = CONFIGURATION.replace("cluster: production", "cluter: production")
    story = delivered().live(B, PRODUCTION)
    assert shipway.configure(broken).remember(story)("rollback", "production") == 2
    assert "environments.production.cluter unknown key" in shipway.err


def test_without_a_deployment_under_way_there_is_nothing_to_continue(shipway: Terminal) -> None:
    """`continue` exits 2 where the ledger knows of nothing that could wait."""
    assert shipway.configure().remember(delivered())("continue", "production") == 2
    assert "no deployment of ours is under way here" in shipway.err


def test_a_push_that_asks_for_nothing_is_fine(shipway: Terminal) -> None:
    """A pushed tag is told as ignored, with exit 0; a line that is none exits 2."""
    shipway.configure()
    line = f"{'0' * 40} {A.commit} refs/tags/v1"
    assert shipway("deliver", "--push", line) == 0
    assert "nothing to deliver: tag 'v1' was pushed" in shipway.out
    assert shipway("deliver", "--push", "main") == 2


def test_outside_of_a_repository_nothing_is_delivered(shipway: Terminal) -> None:
    """A folder that git does not know exits 2, whatever else is wrong."""
    assert shipway.configure()("deliver") == 2
    assert "not a git checkout" in shipway.err


def test_an_unknown_check_names_those_there_are(shipway: Terminal) -> None:
    """`run` of a check that is not declared exits 2 with the declared ones."""
    assert shipway.configure()("run", "lnt") == 2
    assert "there are: lint" in shipway.err


def test_some_checks_prove_nothing_about_the_commit(shipway: Terminal) -> None:
    """After `shipway run` no commit counts as checked: a delivery runs all of them itself."""
    region = "aws: { region: eu-central-1, account: '000000000000' }\n"
    assert shipway.configure(CONFIGURATION + region)("run", "lint") == 0
    assert "passed: lint" in shipway.out
    assert shipway("log", "--json") == 0
    ended = [json.loads(line) for line in shipway.out.splitlines()]
    assert [e["commit"] for e in ended if e["event"] == "ChecksEnded"] == [""]


@pytest.fixture
def unsure(shipway: Terminal) -> Terminal:
    """A place where nobody could say whether what runs in pre-production is well."""
    story = Story().recorded(A).live(A).verified(A, Outcome.INCONCLUSIVE)
    return shipway.configure().remember(story)


def test_a_person_accepts_what_nobody_could_find_out(unsure: Terminal) -> None:
    """`verify --accept` writes who and why into the ledger, and the release counts as verified."""
    words = ("verify", "preprod", "--accept", "--reason", "I sent a message", "--as", "quinn")
    assert unsure(*words, "--json") == 0
    assert unsure.answer["by"] == "quinn"
    assert unsure("log") == 0
    assert "quinn accepted" in unsure.out
    assert "I sent a message" in unsure.out
    assert unsure(*words) == 2
    assert "is not inconclusive" in unsure.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--accept",), "a judgement needs its reason"),
        (("--refuse", "--reason", " "), "a judgement needs its reason"),
        (("--accept", "--refuse", "--reason", "x"), "it is either --accept or --refuse"),
    ],
)
def test_a_judgement_is_one_with_a_reason(
    unsure: Terminal, words: tuple[str, ...], said: str
) -> None:
    """Nothing is written down without a reason, or for both answers at once."""
    assert unsure("verify", "preprod", *words) == 2
    assert said in unsure.err
