"""Rights that are dangerous whatever else is in a plan; all that is gained is listed apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planning.marks.looking import below, changed, listed, mark, named, plain, statements, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.document import Mark
    from planning.marks.looking import Case
    from rehearsal.graph import Graph, Resource

_GRANTS = ("postgresql:index/grant:Grant", "postgresql:index/defaultPrivileges:DefaultPrivileges")
_DOCUMENTS = ("policy", "inlinePolicy", "content")
_NODE_RIGHTS = (
    "ec2:assignprivateipaddresses",
    "ec2:attachnetworkinterface",
    "ec2:createnetworkinterface",
    "ec2:modifynetworkinterfaceattribute",
)
_GUARDS = (
    "aws:accessanalyzer/",
    "aws:cfg/",
    "aws:cloudtrail/",
    "aws:guardduty/",
    "aws:organizations/policy",
    "aws:s3/accountPublicAccessBlock:",
    "aws:s3/bucketPublicAccessBlock:",
    "aws:securityhub/",
    "aws:ebs/encryptionByDefault:",
    "aws:wafv2/webAcl",
)


def grants(case: Case) -> Iterator[Mark]:
    """Everybody who can connect to a database gets a right in it, or a role stands above rules."""
    compared, change = case.compared, case.change
    after = compared.after
    if after is None:
        return
    if change.type in _GRANTS and str(value(after, "role")).lower() == "public":
        held = set(listed(value(compared.before, "privileges"))) if compared.before else set()
        new = [each for each in listed(value(after, "privileges")) if each not in held]
        if new:
            what = f"{', '.join(map(str, new))} on {plain(value(after, 'objectType'))}s"
            text = f"PUBLIC, which is everybody, gets {what} of {plain(value(after, 'database'))}"
            yield mark("public-grant", "high", f"{text} ({named(compared)})")
    if change.type == "postgresql:index/role:Role":
        for name in (
            "superuser",
            "bypassRowLevelSecurity",
            "createDatabase",
            "createRole",
            "replication",
        ):
            if value(after, name) is True and value(compared.before, name) is not True:
                yield mark("database-superuser", "high", f"{named(compared)} gets {name}", name)


def trust(case: Case) -> Iterator[Mark]:
    """Somebody else may take on a role, such as another repository's workflows."""
    compared, change = case.compared, case.change
    if change.type != "aws:iam/role:Role" or compared.after is None:
        return
    before = _trusted(compared.before)
    for who in sorted(_trusted(compared.after) - before):
        repository = who.startswith("repo:")
        if compared.before is None and not (repository and case.base is not None):
            continue
        what = f"the workflows of {who}" if repository else who
        yield mark(
            "trust-policy",
            "high",
            f"{named(compared)} may be taken on by {what}",
            "assumeRolePolicy",
        )
    if compared.before is None:
        return
    for each in below(change, "assumeRolePolicy"):
        if ".Condition" in each.path and each.kind == "removed" and each.before not in (None, []):
            text = f"{named(compared)} may be taken on without the condition {each.path}"
            yield mark("trust-policy", "high", text, each.path)


def node_role(case: Case) -> Iterator[Mark]:
    """Nodes may change networks, and so may every pod that reaches its node's role."""
    compared, change = case.compared, case.change
    if compared.after is None or change.action == "rename" or case.base is None:
        return
    if change.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
        if "AmazonEKS_CNI" in str(value(compared.after, "policyArn")) and _is_of_nodes(
            compared.after, case.head
        ):
            text = f"{named(compared)} lets nodes change network interfaces (AmazonEKS_CNI_Policy)"
            yield mark("node-role-network-rights", "high", text, "policyArn")
    elif change.type == "aws:iam/rolePolicy:RolePolicy" and _is_of_nodes(compared.after, case.head):
        old = {str(each).lower() for each in _allowed(compared.before)}
        new = [each for each in _allowed(compared.after) if str(each).lower() not in old]
        found = [each for each in new if str(each).lower() in _NODE_RIGHTS]
        if found:
            text = f"{named(compared)} lets nodes do {', '.join(map(str, found))}"
            yield mark("node-role-network-rights", "high", text, "policy")


def wildcards(case: Case) -> Iterator[Mark]:
    """A policy allows all actions, or all of a service, where it did not."""
    compared, change = case.compared, case.change
    if compared.after is None or case.base is None or not change.type.startswith("aws:"):
        return
    for name in _DOCUMENTS:
        document = value(compared.after, name)
        if not isinstance(document, str) or "*" not in document:
            continue
        old = set(_wide(value(compared.before, name)))
        for action, resource in dict.fromkeys(_wide(document)):
            if (action, resource) not in old:
                where = " on every resource" if resource == "*" else ""
                text = f"{named(compared)} allows {action}{where}"
                yield mark("iam-wildcard", "high", text, name)


def guards(case: Case) -> Iterator[Mark]:
    """Something that watches or forbids is taken away."""
    compared, change = case.compared, case.change
    if case.head is not None and change.action in ("delete", "forget"):
        if change.type.startswith(_GUARDS):
            yield mark("guard-removed", "medium", f"{named(compared)} is taken away")
    elif compared.before is not None:
        for each in changed(change, "enableLogging", "isEnabled", "enable"):
            if each.before is True and each.after is not True:
                yield mark("guard-removed", "high", f"{named(compared)} is switched off", each.path)


def _trusted(resource: Resource | None) -> set[str]:
    """Who may take on a role: principals, and the repositories that a condition names."""
    found: set[str] = set()
    for statement in statements(value(resource, "assumeRolePolicy")):
        if statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal")
        groups = principal.values() if isinstance(principal, dict) else [principal]
        found |= {str(who) for group in groups for who in listed(group)}
        conditions = statement.get("Condition")
        for tests in conditions.values() if isinstance(conditions, dict) else ():
            for key, values in tests.items() if isinstance(tests, dict) else ():
                if str(key).endswith((":sub", ":repository", ":job_workflow_ref")):
                    found |= {
                        text if text.startswith("repo:") else f"repo:{text}"
                        for text in map(str, listed(values))
                    }
    return found


def _is_of_nodes(attached: Resource, head: Graph | None) -> bool:
    """Whether what is attached is attached to a role of EC2 instances."""
    if head is None:
        return False
    roles = [
        head.resources[urn]
        for urn in attached.property_dependencies.get("role", ())
        if urn in head.resources
    ]
    named = [
        each
        for each in head.of_type("aws:iam/role:Role")
        if value(each, "name") is not None and value(each, "name") == value(attached, "role")
    ]
    return any("ec2.amazonaws.com" in _trusted(each) for each in (*roles, *named))


def _allowed(resource: Resource | None) -> list[Any]:
    found = []
    for statement in statements(value(resource, "policy")):
        if statement.get("Effect") == "Allow":
            found += listed(statement.get("Action"))
    return found


def _wide(document: Any) -> list[tuple[str, str]]:
    found = []
    for statement in statements(document):
        if statement.get("Effect") != "Allow":
            continue
        if "NotAction" in statement:
            found.append((f"all but {json.dumps(statement['NotAction'])[:120]}", ""))
        resources = listed(statement.get("Resource"))
        for action in listed(statement.get("Action")):
            # A key's own policy says `kms:*` of that key alone, and must.
            own = str(action).startswith("kms:") and bool(statement.get("Principal"))
            if (str(action) == "*" or str(action).endswith(":*")) and not own:
                found.append((str(action), "*" if "*" in resources else ""))
    return found
