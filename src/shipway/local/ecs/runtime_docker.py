"""Tasks as real containers of a Docker Engine.

One thread starts (and one stops) each task; one poller looks at all our containers with a single
call; one follower per container carries its log lines to the sink. Nothing here decides anything.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.container_spec import (
    LABEL,
    container_config,
    local_image,
    start_order,
    stop_timeout,
)
from shipway.local.ecs.docker_api import NOT_FOUND, DockerApi, DockerError
from shipway.local.ecs.docker_images import bring
from shipway.local.ecs.docker_leftovers import remove, remove_leftovers, stop_container
from shipway.local.ecs.docker_run import Run, seen_container
from shipway.local.ecs.docker_start import Stopping, await_dependencies, resolved
from shipway.local.ecs.ports import ContainerSeen, LogSink, SecretResolver, TaskSeen, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.ecs.clock import Clock
    from shipway.local.ecs.document import JsonObject

POLL_S = 0.2
LAST_LINES_S = 5.0
"""How long an ended container is kept for its follower to deliver the last lines."""


class DockerRuntime:
    """Runs tasks on the engine behind `api`, labelled as belonging to `instance`.

    `registry` takes the place of any ECR host in image references, e.g. "127.0.0.1:4566".
    `network` names a Docker network that tasks join; None is the engine's default bridge.
    """

    def __init__(
        self,
        api: DockerApi,
        *,
        instance: str,
        clock: Clock,
        logs: LogSink,
        secrets: SecretResolver,
        registry: str | None = None,
        network: str | None = None,
    ) -> None:
        self._api = api
        self._instance = instance
        self._clock = clock
        self._logs = logs
        self._secrets = secrets
        self._registry = registry
        self._network = network
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="ecs-containers")
        self._wake: Callable[[], None] = lambda: None

    def open(self, wake: Callable[[], None]) -> None:
        """Remove what a former run of this instance left, then begin to watch."""
        self._wake = wake
        remove_leftovers(self._api, self._instance)
        self._poller.start()

    def start(self, task: TaskSpec) -> None:
        """Pull, create and start in a thread of its own."""
        run = Run(task, TaskSeen(pull_started_at=self._clock.now()))
        run.starter = threading.Thread(target=self._start, args=(run,), name="ecs-start")
        with self._lock:
            self._runs[task.arn] = run
        run.starter.start()

    def stop(self, task_arn: str) -> None:
        """Stop in a thread of its own; a second call changes nothing."""
        self._begin_stop(task_arn, None)

    def observe(self) -> Mapping[str, TaskSeen]:
        """Return what the poller saw last."""
        with self._lock:
            return {arn: run.seen for arn, run in self._runs.items()}

    def forget(self, task_arn: str) -> None:
        """Drop a stopped task; its containers are gone already."""
        with self._lock:
            self._runs.pop(task_arn, None)

    def close(self, timeout_s: float) -> None:
        """Stop all tasks at once, granting at most `timeout_s`, and join every thread."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            self._begin_stop(run.spec.arn, timeout_s)
        for run in runs:
            for thread in (run.starter, run.stopper, *run.followers):
                if thread is not None:
                    thread.join()
        self._ending.set()
        if self._poller.is_alive():
            self._poller.join()
        remove_leftovers(self._api, self._instance)

    def _start(self, run: Run) -> None:
        try:
            self._start_containers(run)
        except Stopping:
            pass  # the stopper does the rest
        except DockerError as error:
            self._note(run, start_failure=f"CannotStartContainerError: {error}")
        except (LookupError, ValueError) as error:
            self._note(run, start_failure=str(error))
        with self._lock:
            run.created = True
        self._wake()
        if run.seen.start_failure is not None:
            self._begin_stop(run.spec.arn, None)

    def _start_containers(self, run: Run) -> None:
        definition = run.spec.definition
        ordered = start_order(definition["containerDefinitions"])
        images = self._images(run, ordered)
        self._note(run, pull_stopped_at=self._clock.now())
        all_ports = [p for c in ordered for p in c.get("portMappings", ())]
        owner: str | None = None
        for container in ordered:
            await_dependencies(self._api, run, container)
            if run.stopping:
                raise Stopping
            config = container_config(
                container,
                definition,
                image=images[container["name"]],
                labels=self._labels(run, container),
                secrets=resolved(self._secrets, container),
                network=self._network if owner is None else f"container:{owner}",
                ports=all_ports if owner is None else (),
            )
            container_id = self._launch(run, container, config)
            owner = owner or container_id

    def _launch(self, run: Run, container: JsonObject, config: JsonObject) -> str:
        name = f"shipway-{self._instance}-{run.spec.arn[-12:]}-{container['name']}"
        created = self._api.call("POST", "/containers/create", params={"name": name}, body=config)
        container_id = str(created["Id"])
        with self._lock:
            run.ids[container["name"]] = container_id
        self._api.call("POST", f"/containers/{container_id}/start")
        self._follow(run, container, container_id)
        return container_id

    def _images(self, run: Run, containers: list[JsonObject]) -> dict[str, str]:
        """Bring every image here; return their local references and note their digests."""
        references = {}
        for container in containers:
            reference = local_image(container["image"], self._registry)
            digest = bring(self._api, reference)
            with self._lock:
                run.digests[container["name"]] = digest
            references[container["name"]] = reference
        return references

    def _labels(self, run: Run, container: JsonObject) -> dict[str, str]:
        labels = {
            "instance": self._instance,
            "task": run.spec.arn,
            "container": container["name"],
            "family": run.spec.family,
            "service": run.spec.service or "",
        }
        ours = {LABEL + name: value for name, value in labels.items()}
        return {**container.get("dockerLabels", {}), **ours}

    def _follow(self, run: Run, container: JsonObject, container_id: str) -> None:
        logging = container.get("logConfiguration", {})
        if logging.get("logDriver") != "awslogs":
            return
        options = logging.get("options", {})
        group = options.get("awslogs-group", f"/ecs/{run.spec.family}")
        prefix = options.get("awslogs-stream-prefix", "ecs")
        stream = f"{prefix}/{container['name']}/{run.spec.arn.rsplit('/', 1)[-1]}"
        follower = threading.Thread(
            target=self._carry, args=(container_id, group, stream), name="ecs-logs"
        )
        with self._lock:
            run.followers.append(follower)
        follower.start()

    def _carry(self, container_id: str, group: str, stream: str) -> None:
        for moment, line in self._api.logs(container_id):
            self._logs.write(group, stream, moment, line)

    def _begin_stop(self, task_arn: str, timeout_s: float | None) -> None:
        with self._lock:
            run = self._runs.get(task_arn)
            if run is None or run.stopping:
                return
            run.stopping = True
            run.stopper = threading.Thread(
                target=self._stop, args=(run, timeout_s), name="ecs-stop"
            )
            run.stopper.start()

    def _stop(self, run: Run, timeout_s: float | None) -> None:
        """Stop all containers at once, read their ends, deliver the logs, remove them."""
        starter = run.starter
        if starter is not None and starter is not threading.current_thread():
            starter.join()
        threads = []
        for container in run.spec.definition["containerDefinitions"]:
            if container["name"] in run.ids:
                patience = stop_timeout(container)
                if timeout_s is not None:
                    patience = min(patience, int(timeout_s))
                threads.append(
                    threading.Thread(
                        target=stop_container,
                        args=(self._api, run.ids[container["name"]], patience),
                    )
                )
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        containers = tuple(self._ended(run, name, cid) for name, cid in run.ids.items())
        for follower in run.followers:
            follower.join(LAST_LINES_S)
        for container_id in run.ids.values():
            remove(self._api, container_id)
        with self._lock:
            run.seen = replace(run.seen, containers=containers, running=False, stopped=True)
        self._wake()

    def _ended(self, run: Run, name: str, container_id: str) -> ContainerSeen:
        try:
            found = self._api.call("GET", f"/containers/{container_id}/json")
        except DockerError:
            return ContainerSeen(name, "STOPPED", container_id, run.digests.get(name))
        return seen_container(run, name, found)

    def _poll(self) -> None:
        while not self._ending.wait(POLL_S):
            with self._lock:
                runs = [r for r in self._runs.values() if r.ids and not r.seen.stopped]
            for run in runs:
                self._look_at(run)

    def _look_at(self, run: Run) -> None:
        with self._lock:
            ids, created, began = dict(run.ids), run.created, self._clock.now()
        try:
            found = {n: self._api.call("GET", f"/containers/{i}/json") for n, i in ids.items()}
        except DockerError as error:
            if error.status != NOT_FOUND:
                return  # the engine is busy; the next look will tell
            found = {}
        if found:
            shared = next(iter(found.values()))["NetworkSettings"]
            for other in found.values():
                other["NetworkSettings"] = shared
        containers = tuple(seen_container(run, n, f) for n, f in found.items())
        if not found:
            containers = tuple(
                ContainerSeen(n, "STOPPED", i, run.digests.get(n), 137, "Container was removed")
                for n, i in ids.items()
            )
        wanted = len(run.spec.definition["containerDefinitions"])
        running = created and len(ids) == wanted and run.seen.start_failure is None
        with self._lock:
            if run.seen.stopped:
                return
            before = replace(run.seen, seen_at=began)
            run.seen = replace(before, containers=containers, running=running)
            changed = run.seen != before
        if changed:
            self._wake()

    def _note(
        self,
        run: Run,
        *,
        start_failure: str | None = None,
        pull_stopped_at: float | None = None,
    ) -> None:
        with self._lock:
            run.seen = replace(
                run.seen,
                start_failure=start_failure or run.seen.start_failure,
                pull_stopped_at=pull_stopped_at or run.seen.pull_stopped_at,
            )
