"""Permissions that AWS resources declare: every policy document, attachment and trust."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeGuard

from planning.access import grants
from planning.access.actions import ActionSet, database
from planning.access.documents import TOKENS_OF, DocumentError, parse
from planning.access.permissions import Scope
from planning.access.principals import IDENTITIES, POLICY, ROLE, Principals
from rehearsal.values import Secret, is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.access.permissions import Kind, Permissions
    from rehearsal.graph import Graph, Resource

_INLINE = {
    "aws:iam/rolePolicy:RolePolicy": ("role", "role", "policy"),
    "aws:iam/userPolicy:UserPolicy": ("user", "user", "policy"),
    "aws:iam/groupPolicy:GroupPolicy": ("group", "group", "policy"),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": (
        "permission set",
        "permissionSetArn",
        "inlinePolicy",
    ),
}
_ATTACHED = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("role", "role", "policyArn"),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": ("user", "user", "policyArn"),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": ("group", "group", "policyArn"),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": (
        "permission set",
        "permissionSetArn",
        "managedPolicyArn",
    ),
}
_ATTACHED_TO_ALL = "aws:iam/policyAttachment:PolicyAttachment"
_BOUNDED = "aws:ssoadmin/permissionsBoundaryAttachment:PermissionsBoundaryAttachment"
_GUARDRAIL = "aws:organizations/policy:Policy"
_DOCUMENTS = frozenset(
    {
        "policy",
        "assumeRolePolicy",
        "inlinePolicy",
        "content",
        "policyDocument",
        "accessPolicy",
        "accessPolicies",
        "repositoryPolicy",
    }
)
"""Properties that hold a document, for where their value can't be seen to be one."""
_PROTECTS = (
    "bucket",
    "secretArn",
    "function",
    "imageId",
    "snapshotId",
    "eventBusName",
    "queueUrl",
    "arn",
    "resourceArn",
    "repository",
    "keyId",
    "backupVaultName",
    "serviceName",
    "name",
)
"""Properties by which a resource policy's resource says what it protects."""
_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
MANAGED = "do everything of the policy "
"""Begins the action that stands for a policy which AWS manages, or which is declared elsewhere."""


def add_permissions(graph: Graph, permissions: Permissions) -> None:
    """Add what the AWS resources of a graph declare."""
    _Reader(graph, permissions).read()


class _Reader:
    def __init__(self, graph: Graph, permissions: Permissions) -> None:
        self._graph = graph
        self._permissions = permissions
        self._principals = Principals(graph)

    def read(self) -> None:
        for resource in self._graph.resources.values():
            if resource.type in IDENTITIES and resource.type != POLICY:
                self._permissions.identities.setdefault(self._principals.name_of(resource), "")
            if not resource.type.startswith("aws:"):
                continue
            if resource.type == ROLE:
                self._role(resource)
            elif resource.type in _INLINE:
                kind, owner, key = _INLINE[resource.type]
                principal = self._principals.find(kind, resource.inputs.get(owner), resource)
                self._document(resource, key, "identity", principal=principal)
            elif resource.type in _ATTACHED:
                kind, owner, key = _ATTACHED[resource.type]
                principal = self._principals.find(kind, resource.inputs.get(owner), resource)
                self._attachment(resource, principal, resource.inputs.get(key))
            elif resource.type == "aws:iam/instanceProfile:InstanceProfile":
                role = self._principals.find("role", resource.inputs.get("role"), resource)
                self._permissions.on_nodes.add(role)
            elif resource.type == "aws:ssoadmin/accountAssignment:AccountAssignment":
                self._assignment(resource)
            elif resource.type == _BOUNDED:
                self._boundary_of_people(resource)
            elif resource.type == _GUARDRAIL:
                for account in self._guarded(resource):
                    self._document(resource, "content", "guardrail", principal=account)
            elif resource.type == _ATTACHED_TO_ALL:
                self._attachments(resource)
            elif resource.type == _ENDPOINT:
                self._endpoint(resource)
            elif resource.type != POLICY:
                self._resource_policies(resource)
        self._managed_policies()

    def _role(self, role: Resource) -> None:
        name = self._principals.name_of(role)
        boundary = role.inputs.get("permissionsBoundary")
        self._permissions.identities[name] = (
            "" if boundary is None else self._principals.find("policy", boundary, role)
        )
        self._document(role, "assumeRolePolicy", "trust", target=name)
        for inline in _dicts(role.inputs.get("inlinePolicies")):
            self._text(role, inline.get("policy"), "identity", principal=name)
        arns = role.inputs.get("managedPolicyArns")
        for arn in arns if isinstance(arns, list) else ():
            self._attachment(role, name, arn)
        trust = role.inputs.get("assumeRolePolicy")
        if isinstance(trust, str) and '"ec2.amazonaws.com"' in trust:
            self._permissions.on_nodes.add(name)

    def _attachment(self, declared: Resource, principal: str, policy: Any) -> None:
        """A policy by its ARN: the graph's own documents are read later, as the principal's."""
        own = self._principals.find("policy", policy, declared)
        if own in self._own_policies:
            self._own_policies[own].append(principal)
            return
        scope = Scope("identity", True, principal, "*")
        text = policy if isinstance(policy, str) else "of a name that is not known"
        action = ActionSet(0, frozenset({f"{MANAGED}{text}"}))
        self._permissions.add(scope, action, declared)

    def _attachments(self, declared: Resource) -> None:
        """One policy's attachment to all who have it, which is taken from everybody else."""
        for kind in ("role", "user", "group"):
            named = declared.inputs.get(f"{kind}s")
            if isinstance(named, Secret) or not is_known(named):
                self._permissions.not_understood.append(
                    f"{declared.short_type} {declared.name}: its {kind}s are known only once it is "
                    "deployed"
                )
                continue
            for each in named or ():
                principal = self._principals.find(kind, each, declared)
                self._attachment(declared, principal, declared.inputs.get("policyArn"))

    @property
    def _own_policies(self) -> dict[str, list[str]]:
        if not hasattr(self, "_owners"):
            self._owners: dict[str, list[str]] = {
                self._principals.name_of(policy): [] for policy in self._graph.of_type(POLICY)
            }
        return self._owners

    def _managed_policies(self) -> None:
        boundaries = set(self._permissions.identities.values())
        for policy in self._graph.of_type(POLICY):
            name = self._principals.name_of(policy)
            for owner in self._own_policies[name]:
                self._document(policy, "policy", "identity", principal=owner)
            if name in boundaries or not self._own_policies[name]:
                # A policy that nothing here attaches may be one that people's sets refer to.
                self._document(policy, "policy", "boundary", principal=name)

    def _assignment(self, resource: Resource) -> None:
        get = resource.inputs.get
        permission_set = self._principals.find("permission set", get("permissionSetArn"), resource)
        who = f"{str(get('principalType', '')).lower()} {_shown(get('principalId'))}"
        scope = Scope("trust", True, who, f"account {_shown(get('targetId'))}")
        self._permissions.add(
            scope, ActionSet(0, frozenset({f"use the {permission_set}"})), resource
        )

    def _guarded(self, policy: Resource) -> Iterator[str]:
        """The accounts and units that a guardrail is attached to."""
        placeholders = self._graph.placeholders
        for attachment in self._graph.of_type(
            "aws:organizations/policyAttachment:PolicyAttachment"
        ):
            identity = attachment.inputs.get("policyId")
            if isinstance(identity, str) and (
                identity == policy.id or placeholders.get(identity, ("",))[0] == policy.urn
            ):
                yield f"account {_shown(attachment.inputs.get('targetId'))}"

    def _boundary_of_people(self, resource: Resource) -> None:
        name = self._principals.find(
            "permission set", resource.inputs.get("permissionSetArn"), resource
        )
        boundary = resource.inputs.get("permissionsBoundary")
        reference = boundary.get("customerManagedPolicyReference") if _is_dict(boundary) else None
        self._permissions.identities[name] = (
            f"policy {reference.get('name')}"
            if _is_dict(reference)
            else "a policy that AWS manages"
        )

    def _resource_policies(self, resource: Resource) -> None:
        try:
            granted = grants.statements(resource)
        except grants.NotKnownError as error:
            self._permissions.not_understood.append(
                f"{resource.short_type} {resource.name}: it grants something, but its {error} "
                "can't be told before it is deployed"
            )
            return
        if granted:
            document = json.dumps({"Statement": granted})
            self._text(resource, document, "resource", target=_target(resource))
        for key, value in resource.inputs.items():
            if isinstance(value, str):
                if '"Statement"' in value and value.lstrip().startswith("{"):
                    self._document(resource, key, "resource", target=_target(resource))
            elif key in _DOCUMENTS and (isinstance(value, Secret) or not is_known(value)):
                self._document(resource, key, "resource", target=_target(resource))

    def _endpoint(self, endpoint: Resource) -> None:
        """An endpoint's policy grants nothing: it limits what goes through, or lets all through."""
        name = _target(endpoint)
        if endpoint.inputs.get("policy") is not None:
            self._document(endpoint, "policy", "boundary", principal=name)
            return
        scope = Scope("boundary", True, name, "*")
        everything = ActionSet(database().everything)
        self._permissions.add(scope, everything, endpoint, written={"*"})

    def _known(self, principal: str) -> str:
        """A principal by its own name, where the document has a provider that the graph makes."""
        if not principal.startswith(TOKENS_OF):
            return principal
        return TOKENS_OF + self._principals.issuer(principal.removeprefix(TOKENS_OF))

    def _document(
        self, declared: Resource, key: str, kind: Kind, *, principal: str = "", target: str = ""
    ) -> None:
        self._text(declared, declared.inputs.get(key), kind, principal=principal, target=target)

    def _text(
        self, declared: Resource, text: Any, kind: Kind, *, principal: str = "", target: str = ""
    ) -> None:
        subject = f"{declared.short_type} {declared.name}"
        if isinstance(text, Secret):
            self._permissions.not_understood.append(f"{subject}: its policy document is secret")
            return
        if not isinstance(text, str):
            if text is not None:
                self._permissions.not_understood.append(
                    f"{subject}: its policy document is known only once it is deployed"
                )
            return
        try:
            statements = parse(text)
        except DocumentError as error:
            self._permissions.not_understood.append(f"{subject}: no policy document: {error}")
            return
        for statement in statements:
            for who in (principal,) if principal else map(self._known, statement.principals):
                for what in _resources(statement.resources, kind, target):
                    for condition in statement.conditions:
                        self._permissions.add(
                            Scope(kind, statement.allows, who, what, condition),
                            statement.actions,
                            declared,
                            written=statement.written,
                            protects=_protected(declared) if kind == "resource" else "",
                        )


def _resources(written: tuple[str, ...], kind: Kind, target: str) -> tuple[str, ...]:
    if kind == "trust":
        return (target,)
    if kind == "resource" and written in ((), ("*",)):
        return (target,)
    return written or ("*",)


def _target(resource: Resource) -> str:
    """What a resource policy protects: by the property that names it, or the resource itself."""
    kind = resource.short_type.removesuffix("Policy") or "Policy"
    return f"{kind} {_protected(resource) or resource.name}"


def _protected(resource: Resource) -> str:
    named = (resource.inputs.get(key) for key in _PROTECTS)
    return next((value for value in named if isinstance(value, str) and value), "")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else "that is not known"


def _is_dict(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each
