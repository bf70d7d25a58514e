"""Which changes replace what is neither AWS's nor Kubernetes': listed, since no schema ships it.

Sources: the providers' schemas at https://github.com/cyrilgdn/terraform-provider-postgresql and
https://github.com/integrations/terraform-provider-github, and pulumi-random's documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.replacement.verdict import IN_PLACE, Verdict, steps

if TYPE_CHECKING:
    from collections.abc import Mapping

REPLACES: Mapping[str, frozenset[str]] = {
    "github:index/actionsRepositoryPermissions:ActionsRepositoryPermissions": frozenset(
        {"repository"}
    ),
    "github:index/issueLabel:IssueLabel": frozenset({"repository"}),
    "github:index/repository:Repository": frozenset(),
    "github:index/repositoryDependabotSecurityUpdates:RepositoryDependabotSecurityUpdates": (
        frozenset({"repository"})
    ),
    "github:index/repositoryEnvironment:RepositoryEnvironment": frozenset(
        {"environment", "repository"}
    ),
    "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy": (
        frozenset({"environment", "repository"})
    ),
    "github:index/repositoryRuleset:RepositoryRuleset": frozenset({"repository"}),
    "github:index/repositoryVulnerabilityAlerts:RepositoryVulnerabilityAlerts": frozenset(
        {"repository"}
    ),
    "github:index/team:Team": frozenset(),
    "github:index/teamRepository:TeamRepository": frozenset({"repository", "teamId"}),
    "github:index/workflowRepositoryPermissions:WorkflowRepositoryPermissions": frozenset(
        {"repository"}
    ),
    "postgresql:index/database:Database": frozenset(
        {"encoding", "lcCollate", "lcCtype", "template"}
    ),
    "postgresql:index/defaultPrivileges:DefaultPrivileges": frozenset(
        {"database", "objectType", "owner", "role", "schema", "withGrantOption"}
    ),
    "postgresql:index/grant:Grant": frozenset(
        {"columns", "database", "objectType", "objects", "role", "schema", "withGrantOption"}
    ),
    "postgresql:index/grantRole:GrantRole": frozenset({"grantRole", "role", "withAdminOption"}),
    "postgresql:index/role:Role": frozenset(),
}
"""By type: what its provider replaces it for; everything else is updated in place."""


def verdict(type: str, path: str) -> Verdict:
    """What a change at a path of a resource's inputs does."""
    top = steps(path)[0]
    if type.startswith("random:"):
        return Verdict("replaces", "what is random is drawn anew when any input changes")
    if type.startswith("pulumi:providers:"):
        if top == "clusterIdentifier":
            return Verdict("replaces", "it is another cluster, so all that is in it is made anew")
        return IN_PLACE
    if type not in REPLACES:
        package = type.partition(":")[0]
        return Verdict("unknown", f"the {package} provider says nowhere what it replaces this for")
    if top in REPLACES[type]:
        return Verdict("replaces", "the provider makes the resource anew when it changes")
    return IN_PLACE
