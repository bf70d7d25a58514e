"""Permissions in and through Kubernetes clusters: RBAC, access entries and Pod Identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planning.access.actions import ActionSet
from planning.access.permissions import Scope
from planning.access.principals import Principals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.access.permissions import Permissions
    from rehearsal.graph import Graph, Resource

RBAC = "kubernetes:rbac.authorization.k8s.io/v1:"
EVERYWHERE = "every namespace"
MAY_AS_ROLE = "do everything of "
"""Begins the action that stands for a cluster role or access policy which is declared elsewhere."""


def add_permissions(graph: Graph, permissions: Permissions) -> None:
    """Add what a graph's Kubernetes objects and EKS associations declare."""
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in graph.of_type(f"{RBAC}{kind}"):
            _bind(graph, binding, permissions)
    principals = Principals(graph)
    for entry in graph.of_type("aws:eks/accessEntry:AccessEntry"):
        _enter(entry, principals, permissions)
    for association in graph.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation"):
        _associate(association, principals, permissions)
    for identity in graph.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation"):
        _identify(identity, principals, permissions)
    for cluster in graph.of_type("aws:eks/cluster:Cluster"):
        _creator(cluster, permissions)


def _bind(graph: Graph, binding: Resource, permissions: Permissions) -> None:
    reference = binding.inputs.get("roleRef")
    if not isinstance(reference, dict):
        permissions.not_understood.append(f"{binding.short_type} {binding.name}: no roleRef")
        return
    kind, name = str(reference.get("kind")), str(reference.get("name"))
    namespace = _namespace(binding)
    where = f"namespace {namespace}" if binding.short_type == "RoleBinding" else EVERYWHERE
    role = _role(graph, kind, name, namespace if kind == "Role" else None)
    for subject in _dicts(binding.inputs.get("subjects")):
        who = _subject(subject, namespace)
        if role is None:
            action = ActionSet(0, frozenset({f"{MAY_AS_ROLE}{kind} {name}"}))
            permissions.add(Scope("kubernetes", True, who, where), action, binding)
            continue
        for rule in _dicts(role.inputs.get("rules")):
            verbs = ActionSet(0, frozenset(_texts(rule.get("verbs"))))
            for what in _things(rule):
                permissions.add(
                    Scope("kubernetes", True, who, f"{what} in {where}"), verbs, binding
                )
        if role.inputs.get("aggregationRule") is not None:
            permissions.not_understood.append(
                f"ClusterRole {name}: it is made up of other roles while the cluster runs"
            )


def _role(graph: Graph, kind: str, name: str, namespace: str | None) -> Resource | None:
    return next(
        (
            role
            for role in graph.of_type(f"{RBAC}{kind}")
            if _metadata(role).get("name") == name
            and (namespace is None or _namespace(role) == namespace)
        ),
        None,
    )


def _things(rule: dict[str, Any]) -> Iterator[str]:
    for url in _texts(rule.get("nonResourceURLs")):
        yield f"path {url}"
    names = _texts(rule.get("resourceNames")) or [""]
    for group in _texts(rule.get("apiGroups")) or [""]:
        for resource in _texts(rule.get("resources")):
            for name in names:
                full = f"{resource}.{group}" if group else resource
                yield f"{full} {name}" if name else full


def _subject(subject: dict[str, Any], namespace: str) -> str:
    kind, name = str(subject.get("kind")), str(subject.get("name"))
    if kind == "ServiceAccount":
        return f"service account {subject.get('namespace') or namespace}/{name}"
    return f"{kind.lower()} {name}"


def _enter(entry: Resource, principals: Principals, permissions: Permissions) -> None:
    who = principals.find("role", entry.inputs.get("principalArn"), entry)
    groups = _texts(entry.inputs.get("kubernetesGroups"))
    kind = entry.inputs.get("type", "STANDARD")
    actions = {f"be in the group {group}" for group in groups}
    actions.add("log in" if kind == "STANDARD" else f"log in as {kind}")
    permissions.add(
        Scope("kubernetes", True, who, _cluster(entry)), ActionSet(0, frozenset(actions)), entry
    )


def _associate(association: Resource, principals: Principals, permissions: Permissions) -> None:
    who = principals.find("role", association.inputs.get("principalArn"), association)
    scope = association.inputs.get("accessScope")
    namespaces = _texts(scope.get("namespaces")) if isinstance(scope, dict) else []
    policy = str(association.inputs.get("policyArn")).rpartition("/")[2]
    actions = ActionSet(0, frozenset({f"{MAY_AS_ROLE}{policy}"}))
    for where in [f"namespace {name} of " for name in namespaces] or [""]:
        permissions.add(
            Scope("kubernetes", True, who, f"{where}{_cluster(association)}"), actions, association
        )


def _identify(identity: Resource, principals: Principals, permissions: Permissions) -> None:
    get = identity.inputs.get
    who = f"service account {get('namespace')}/{get('serviceAccount')}"
    for key in ("roleArn", "targetRoleArn"):
        if get(key) is not None:
            role = principals.find("role", get(key), identity)
            permissions.add(
                Scope("trust", True, who, _cluster(identity)),
                ActionSet(0, frozenset({f"take {role} through Pod Identity"})),
                identity,
            )


def _creator(cluster: Resource, permissions: Permissions) -> None:
    config = cluster.inputs.get("accessConfig")
    if isinstance(config, dict) and config.get("bootstrapClusterCreatorAdminPermissions") is True:
        name = cluster.inputs.get("name", cluster.name)
        permissions.add(
            Scope("kubernetes", True, "whoever creates the cluster", f"cluster {name}"),
            ActionSet(0, frozenset({f"{MAY_AS_ROLE}AmazonEKSClusterAdminPolicy"})),
            cluster,
        )


def _cluster(resource: Resource) -> str:
    name = resource.inputs.get("clusterName")
    return f"cluster {name if isinstance(name, str) else 'of a name that is not known'}"


def _metadata(resource: Resource) -> dict[str, Any]:
    metadata = resource.inputs.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _namespace(resource: Resource) -> str:
    return str(_metadata(resource).get("namespace", "default"))


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each
