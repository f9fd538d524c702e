"""Clusters and the tags of every ECS resource."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipway.local.ecs.api.desk import Desk, Handler, missing, page
from shipway.local.ecs.document import merge_tags, pick
from shipway.local.ecs.model import Cluster, TaskStatus
from shipway.local.ecs.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.local.ecs.document import JsonObject

_KEPT = ("settings", "configuration", "capacityProviders", "defaultCapacityProviderStrategy")


def create_cluster(desk: Desk, request: JsonObject) -> JsonObject:
    """Create a cluster; one that exists is returned unchanged, as AWS does."""
    name = request.get("clusterName") or "default"
    cluster = desk.state.clusters.get(name)
    if cluster is None or cluster.status != "ACTIVE":
        cluster = Cluster(
            arn=desk.arns.ecs(f"cluster/{name}"),
            name=name,
            status="ACTIVE",
            document=pick(request, _KEPT),
            tags=tuple(request.get("tags", ())),
        )
        desk.state.clusters[name] = cluster
    return {"cluster": _cluster(desk, cluster)}


def describe_clusters(desk: Desk, request: JsonObject) -> JsonObject:
    """Describe clusters; unknown ones go to `failures`."""
    found, failures = [], []
    for name in request.get("clusters") or ["default"]:
        cluster = desk.state.clusters.get(name.rsplit("/", 1)[-1])
        if cluster is None:
            failures.append(missing(desk.arns.ecs(f"cluster/{name.rsplit('/', 1)[-1]}")))
        else:
            found.append(_cluster(desk, cluster))
    return {"clusters": found, "failures": failures}


def list_clusters(desk: Desk, request: JsonObject) -> JsonObject:
    """List the ARNs of active clusters."""
    arns = [c.arn for c in desk.state.clusters.values() if c.status == "ACTIVE"]
    chosen, token = page(arns, request)
    return {"clusterArns": chosen, **token}


def delete_cluster(desk: Desk, request: JsonObject) -> JsonObject:
    """Delete an empty cluster: it stays visible as INACTIVE."""
    cluster = desk.cluster(request["cluster"])
    services = [
        s
        for s in desk.state.services.values()
        if s.cluster_arn == cluster.arn and s.status != "INACTIVE"
    ]
    if services:
        raise AwsError(
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        )
    if any(
        t.cluster_arn == cluster.arn and t.status is not TaskStatus.STOPPED
        for t in desk.state.tasks.values()
    ):
        raise AwsError(
            "ClusterContainsTasksException",
            "The Cluster cannot be deleted while Tasks are active.",
        )
    gone = replace(cluster, status="INACTIVE")
    desk.state.clusters[cluster.name] = gone
    return {"cluster": _cluster(desk, gone)}


def tag_resource(desk: Desk, request: JsonObject) -> JsonObject:
    """Add tags, replacing those of the same keys."""
    _retag(desk, request["resourceArn"], lambda tags: merge_tags(tags, request["tags"]))
    return {}


def untag_resource(desk: Desk, request: JsonObject) -> JsonObject:
    """Remove tags by key."""
    keys = set(request["tagKeys"])
    _retag(
        desk, request["resourceArn"], lambda tags: tuple(t for t in tags if t["key"] not in keys)
    )
    return {}


def list_tags_for_resource(desk: Desk, request: JsonObject) -> JsonObject:
    """List a resource's tags."""
    return {"tags": list(_retag(desk, request["resourceArn"], lambda tags: tags))}


def _retag(
    desk: Desk,
    arn: str,
    change: Callable[[tuple[JsonObject, ...]], tuple[JsonObject, ...]],
) -> tuple[JsonObject, ...]:
    """Change the tags of whatever `arn` names; raise InvalidParameterException if nothing."""
    state = desk.state
    if arn in state.services:
        service = state.services[arn] = replace(
            state.services[arn], tags=change(state.services[arn].tags)
        )
        return service.tags
    if arn in state.tasks:
        task = state.tasks[arn] = replace(state.tasks[arn], tags=change(state.tasks[arn].tags))
        return task.tags
    if arn in state.definitions:
        definition = state.definitions[arn] = replace(
            state.definitions[arn], tags=change(state.definitions[arn].tags)
        )
        return definition.tags
    for name, cluster in state.clusters.items():
        if cluster.arn == arn:
            state.clusters[name] = replace(cluster, tags=change(cluster.tags))
            return state.clusters[name].tags
    raise invalid(f"The specified resource was not found: {arn}")


def _cluster(desk: Desk, cluster: Cluster) -> JsonObject:
    services = [s for s in desk.state.services.values() if s.cluster_arn == cluster.arn]
    tasks = [t for t in desk.state.tasks.values() if t.cluster_arn == cluster.arn]
    return {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": sum(t.status is TaskStatus.RUNNING for t in tasks),
        "pendingTasksCount": sum(
            t.status in {TaskStatus.PROVISIONING, TaskStatus.PENDING} for t in tasks
        ),
        "activeServicesCount": sum(s.status == "ACTIVE" for s in services),
        "tags": list(cluster.tags),
        **cluster.document,
    }


HANDLERS: Mapping[str, Handler] = {
    "CreateCluster": create_cluster,
    "DescribeClusters": describe_clusters,
    "ListClusters": list_clusters,
    "DeleteCluster": delete_cluster,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
