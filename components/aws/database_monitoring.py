"""The role through which RDS reports what its instances' operating systems do."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.aws.policy_document import policy_document, service_trust


class DatabaseMonitoring(pulumi.ComponentResource):
    """The role of enhanced monitoring, one for all database clusters of a cell."""

    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        role_name: str,
        account: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:DatabaseMonitoring", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=role_name,
            description="Writes the databases' enhanced monitoring.",
            assume_role_policy=policy_document(
                [service_trust("MonitoringOfThisAccount", "monitoring.rds.amazonaws.com", account)]
            ),
            opts=child,
        )
        attached = aws.iam.RolePolicyAttachment(
            f"{name}-policy",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
            opts=child,
        )
        # RDS tries the role at once, so its policy must be there before anybody uses it.
        self.role_arn = pulumi.Output.all(role.arn, attached.id).apply(lambda both: both[0])
        self.register_outputs({"role_arn": self.role_arn})
