"""What may start is handed out in the order that ends the run, or tells a no, the soonest."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.checks.graph import Expectation, Node, Schedule, expectation
from shipway.model.kept import Past


def taken(schedule: Schedule) -> list[str]:
    """Take all that may start now."""
    names = []
    while (node := schedule.take()) is not None:
        names.append(node.name)
    return names


def a_schedule(*nodes: Node, slots: int = 9, **seconds: float) -> Schedule:
    """A schedule whose nodes take the seconds that are named, else one."""
    return Schedule(nodes, {name: Expectation(s) for name, s in seconds.items()}, slots)


def test_waiting_work_starts_first_and_takes_no_slot() -> None:
    """Compose starts beside as many commands as there are slots."""
    schedule = a_schedule(Node("a", ()), Node("b", ()), Node("c", (), waits=True), slots=1)
    assert taken(schedule) == ["c", "a"]


def test_the_longest_chain_starts_first() -> None:
    """What many seconds of work depend on goes before what nothing depends on."""
    nodes = (Node("alone", ()), Node("first", ()), Node("then", ("first",)))
    assert taken(a_schedule(*nodes, alone=3, first=1, then=9, slots=1)) == ["first"]


def test_what_failed_recently_goes_before_the_longest_chain() -> None:
    """Among ready nodes those that failed of late go first, and of them the cheapest."""
    expected = {
        "long": Expectation(60),
        "dear": Expectation(30, failed_recently=True),
        "cheap": Expectation(2, failed_recently=True),
    }
    nodes = tuple(Node(name, ()) for name in ("long", "dear", "cheap"))
    assert taken(Schedule(nodes, expected, 9)) == ["cheap", "dear", "long"]


def test_a_mutex_is_held_by_one_at_a_time() -> None:
    """Of two nodes with the same mutex the second starts when the first has ended."""
    schedule = a_schedule(Node("a", (), mutexes=("port",)), Node("b", (), mutexes=("port", "db")))
    assert taken(schedule) == ["a"]
    schedule.end("a", passed=True)
    assert taken(schedule) == ["b"]


def test_a_held_mutex_does_not_hold_up_others() -> None:
    """While one node waits for a mutex, others behind it start."""
    nodes = (Node("a", (), mutexes=("m",)), Node("b", (), mutexes=("m",)), Node("c", ()))
    assert taken(a_schedule(*nodes, a=9, b=8, c=1, slots=2)) == ["a", "c"]


def test_nothing_follows_a_failure() -> None:
    """What needs a node that failed is never handed out."""
    schedule = a_schedule(Node("a", ()), Node("b", ("a",)))
    assert taken(schedule) == ["a"]
    schedule.end("a", passed=False)
    assert taken(schedule) == []


def test_history_gives_the_median_and_tells_recent_failures() -> None:
    """One slow run does not decide; a failure counts for five runs."""
    past = Past(seconds=(1.0, 50.0, 2.0), outcomes=("failed", "passed", "passed"))
    assert expectation(past) == Expectation(2.0, failed_recently=True)
    old = Past(seconds=(1.0,) * 6, outcomes=("failed", *("passed",) * 5))
    assert expectation(old) == Expectation(1.0, failed_recently=False)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Node, ...]:
    """Graphs without circles, with mutexes and waiting nodes."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 12))):
        earlier = [node.name for node in nodes]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        mutexes = draw(st.lists(st.sampled_from(["m", "n"]), unique=True))
        nodes.append(Node(f"n{number}", tuple(needs), draw(st.booleans()), tuple(mutexes)))
    return tuple(draw(st.permutations(nodes)))


@settings(deadline=None, max_examples=200)
@given(graphs(), st.integers(1, 3))
def test_every_node_runs_once_in_order_within_slots_and_mutexes(
    nodes: tuple[Node, ...], slots: int
) -> None:
    """All run once, after their needs, within the slots, and never share a mutex."""
    schedule, by_name = Schedule(nodes, {}, slots), {node.name: node for node in nodes}
    running: list[Node] = []
    done: list[str] = []
    while True:
        while (node := schedule.take()) is not None:
            assert set(node.needs) <= set(done)
            assert all(set(node.mutexes).isdisjoint(other.mutexes) for other in running)
            running.append(node)
            assert sum(not other.waits for other in running) <= slots
        if not running:
            break
        ended = running.pop(0)
        schedule.end(ended.name, passed=True)
        done.append(ended.name)
    assert sorted(done) == sorted(by_name)
