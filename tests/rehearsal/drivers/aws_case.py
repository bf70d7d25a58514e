"""What a driver's test needs: one realistic input per type, how to read it back, one change."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rehearsal.drivers import drivers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.servers.moto import MotoServer
    from rehearsal.servers.postgresql import PostgresqlServers

ACCOUNT = "111122223333"
REGION = "eu-west-1"
DEFAULT_TAGS = {"cell": "dev-eu-west-1", "owner": "platform"}


@dataclass
class LocalCloud:
    """The cloud of one provider, on the test session's servers."""

    moto: MotoServer
    postgresql: PostgresqlServers
    account: str = ACCOUNT
    region: str = REGION
    provider: Mapping[str, Any] = field(
        default_factory=lambda: {"region": REGION, "defaultTags": {"tags": DEFAULT_TAGS}}
    )

    def aws(self, service: str) -> Any:
        return self.moto.client(service, self.account, self.region)

    def stack_outputs(self, stack: str) -> Mapping[str, Any]:
        raise LookupError(stack)


@dataclass
class Surroundings:
    """What the tested resources refer to, made by the drivers themselves when first needed."""

    cloud: LocalCloud
    made: dict[tuple[str, str], tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def make(self, type: str, key: str, /, **inputs: Any) -> tuple[str, dict[str, Any]]:
        made = self.made
        if (type, key) not in made:
            made[type, key] = drivers()[type].create(key, inputs, self.cloud)
        return made[type, key]

    def api(self, service: str) -> Any:
        return self.cloud.aws(service)

    @cached_property
    def vpc(self) -> str:
        return self.make("aws:ec2/vpc:Vpc", "vpc", cidrBlock="10.20.0.0/16")[0]

    def subnet(self, zone: str = "a") -> str:
        third = 10 + "abc".index(zone)
        return self.make(
            "aws:ec2/subnet:Subnet",
            f"subnet-{zone}",
            vpcId=self.vpc,
            cidrBlock=f"10.20.{third}.0/24",
            availabilityZone=f"{REGION}{zone}",
        )[0]

    @property
    def subnets(self) -> list[str]:
        return [self.subnet(zone) for zone in "abc"]

    def security_group(self, name: str = "group") -> str:
        return self.make("aws:ec2/securityGroup:SecurityGroup", name, vpcId=self.vpc)[0]

    def route_table(self, name: str = "table") -> str:
        return self.make("aws:ec2/routeTable:RouteTable", name, vpcId=self.vpc)[0]

    @cached_property
    def internet_gateway(self) -> str:
        return self.make("aws:ec2/internetGateway:InternetGateway", "gateway", vpcId=self.vpc)[0]

    def role(self, name: str = "role", service: str = "eks.amazonaws.com") -> tuple[str, str]:
        """Name and ARN of a role."""
        id, outputs = self.make(
            "aws:iam/role:Role", name, name=name, assumeRolePolicy=trust(service)
        )
        return id, outputs["arn"]

    def key(self, name: str = "key") -> str:
        return str(self.make("aws:kms/key:Key", name, description=name)[1]["arn"])

    def bucket(self, name: str, **inputs: Any) -> str:
        return self.make("aws:s3/bucket:Bucket", name, bucket=name, **inputs)[0]

    def log_group(self, name: str) -> str:
        return str(self.make("aws:cloudwatch/logGroup:LogGroup", name, name=name)[1]["arn"])

    @cached_property
    def topic(self) -> str:
        return self.make("aws:sns/topic:Topic", "topic", name="surroundings")[0]

    def queue(self, name: str = "queue") -> tuple[str, str]:
        """URL and ARN of a queue."""
        id, outputs = self.make("aws:sqs/queue:Queue", name, name=name)
        return id, outputs["arn"]

    def zone(self, name: str = "example.com") -> str:
        return self.make("aws:route53/zone:Zone", name, name=name)[0]

    def certificate(self, hostname: str) -> tuple[str, dict[str, Any]]:
        return self.make(
            "aws:acm/certificate:Certificate",
            hostname,
            domainName=hostname,
            validationMethod="DNS",
        )

    def load_balancer(self, name: str = "balancer") -> str:
        return self.make(
            "aws:lb/loadBalancer:LoadBalancer",
            name,
            name=name,
            subnets=self.subnets,
            securityGroups=[self.security_group()],
        )[0]

    def target_group(self, name: str = "targets") -> str:
        return self.make(
            "aws:lb/targetGroup:TargetGroup",
            name,
            name=name,
            port=8080,
            protocol="HTTP",
            targetType="ip",
            vpcId=self.vpc,
        )[0]

    def listener(self, name: str = "listener", port: int = 80) -> str:
        return self.make(
            "aws:lb/listener:Listener",
            name,
            loadBalancerArn=self.load_balancer(),
            port=port,
            protocol="HTTP",
            defaultActions=[{"type": "forward", "targetGroupArn": self.target_group()}],
        )[0]

    def secret(self, name: str) -> str:
        return self.make("aws:secretsmanager/secret:Secret", name, name=name)[0]

    def web_acl(self) -> str:
        return str(
            self.make(
                "aws:wafv2/webAcl:WebAcl",
                "acl",
                name="surroundings",
                scope="REGIONAL",
                defaultAction={"block": {}},
                visibilityConfig=visibility("surroundings"),
            )[1]["arn"]
        )

    @cached_property
    def database_subnets(self) -> str:
        return self.make(
            "aws:rds/subnetGroup:SubnetGroup", "database", name="database", subnetIds=self.subnets
        )[0]

    def database(self) -> str:
        return self.make(
            "aws:rds/cluster:Cluster",
            "surroundings",
            clusterIdentifier="surroundings",
            engine="aurora-postgresql",
            engineVersion="16.8",
            masterUsername="root",
            manageMasterUserPassword=True,
            dbSubnetGroupName=self.database_subnets,
        )[0]

    def cluster(self) -> str:
        return self.make(
            "aws:eks/cluster:Cluster",
            "surroundings-cluster",
            name="surroundings",
            roleArn=self.role("cluster-role")[1],
            vpcConfig={"subnetIds": self.subnets},
        )[0]

    @cached_property
    def identity_center(self) -> str:
        return str(self.api("sso-admin").list_instances()["Instances"][0]["InstanceArn"])

    def permission_set(self, name: str = "developer") -> str:
        return str(
            self.make(
                "aws:ssoadmin/permissionSet:PermissionSet",
                name,
                name=name,
                instanceArn=self.identity_center,
            )[1]["arn"]
        )


@dataclass
class Subject:
    """A resource under test."""

    around: Surroundings
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    def api(self, service: str) -> Any:
        return self.around.api(service)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One type's test: paths (JMESPath) into what boto3 reads, and the values expected there."""

    inputs: Callable[[Surroundings], dict[str, Any]]
    read: Callable[[Subject], Any]
    shows: Mapping[str, Any]
    change: Callable[[Surroundings], dict[str, Any]] | None = None
    then: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Regular expressions that outputs match."""
    after_delete: Mapping[str, Any] | None = None
    """What is left to read after the deletion, where something is."""


def trust(service: str) -> str:
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        f'"Principal":{{"Service":"{service}"}}}}]}}'
    )


def allow(action: str, resource: str = "*") -> str:
    return (
        '{"Version":"2012-10-17","Statement":[{"Sid":"Some","Effect":"Allow",'
        f'"Action":"{action}","Resource":"{resource}"}}]}}'
    )


def visibility(name: str) -> dict[str, Any]:
    return {
        "cloudwatchMetricsEnabled": True,
        "metricName": name,
        "sampledRequestsEnabled": True,
    }
