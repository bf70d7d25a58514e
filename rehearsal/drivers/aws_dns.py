"""Drivers for hosted zones, records and certificates."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rehearsal.drivers.aws_calls import Call, Subject, Tagging, gone
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Cloud, Driver, Inputs, Outputs


def _zone(subject: Subject) -> dict[str, str]:
    return {"Id": subject.id}


def _empty_zone(subject: Subject) -> None:
    if not subject.inputs.get("forceDestroy"):
        return
    records = subject.api.list_resource_record_sets(HostedZoneId=subject.id)["ResourceRecordSets"]
    for record in records:
        apex = record["Name"].rstrip(".") == subject.inputs["name"].rstrip(".")
        if not (apex and record["Type"] in ("NS", "SOA")):
            _change(subject.cloud, subject.id, "DELETE", record)


def _first_vpc(inputs: Inputs) -> Inputs:
    vpcs = inputs.get("vpcs") or ()
    if len(vpcs) > 1:
        raise NotImplementedError("a private zone is created with one VPC here")
    rest = {k: v for k, v in inputs.items() if k not in ("vpcs", "comment")}
    comment = inputs.get("comment") or "Managed by Pulumi"
    return rest | {
        "HostedZoneConfig": {"Comment": comment, "PrivateZone": bool(vpcs)},
        "VPC": {"VPCId": vpcs[0]["vpcId"], "VPCRegion": vpcs[0].get("vpcRegion")} if vpcs else None,
    }


ZONE = AwsDriver(
    service="route53",
    create_by=Call(
        "create_hosted_zone",
        given=lambda _: {"CallerReference": uuid.uuid4().hex},
        takes=("name", "comment", "vpcs", "delegationSetId"),
        reshape=_first_vpc,
    ),
    read_by=Call("get_hosted_zone", given=_zone),
    updates=(Call("update_hosted_zone_comment", given=_zone, takes=("comment",)),),
    delete_by=(_empty_zone, Call("delete_hosted_zone", given=_zone)),
    id_is=lambda s: s.answer["HostedZone"]["Id"].removeprefix("/hostedzone/"),
    outputs_are={
        "arn": lambda s: f"arn:aws:route53:::hostedzone/{s.id}",
        "zoneId": lambda s: s.id,
        "nameServers": "DelegationSet.NameServers",
        "primaryNameServer": "DelegationSet.NameServers[0]",
    },
    tagging=Tagging(
        "change_tags_for_resource",
        "change_tags_for_resource",
        lambda s: {"ResourceType": "hostedzone", "ResourceId": s.id},
    ),
    replaced_by=frozenset({"name", "delegationSetId"}),
    steering=frozenset({"forceDestroy"}),
)


def _record_set(inputs: Inputs) -> dict[str, Any]:
    record: dict[str, Any] = {"Name": inputs["name"], "Type": inputs["type"]}
    if inputs.get("aliases"):
        (alias,) = inputs["aliases"]
        record["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": bool(alias["evaluateTargetHealth"]),
        }
    else:
        record["TTL"] = int(inputs["ttl"])
        record["ResourceRecords"] = [{"Value": _quoted(inputs, v)} for v in inputs["records"]]
    if inputs.get("setIdentifier"):
        record["SetIdentifier"] = inputs["setIdentifier"]
    if inputs.get("healthCheckId"):
        record["HealthCheckId"] = inputs["healthCheckId"]
    if inputs.get("weightedRoutingPolicies"):
        record["Weight"] = int(inputs["weightedRoutingPolicies"][0]["weight"])
    if inputs.get("failoverRoutingPolicies"):
        record["Failover"] = inputs["failoverRoutingPolicies"][0]["type"]
    if inputs.get("latencyRoutingPolicies"):
        record["Region"] = inputs["latencyRoutingPolicies"][0]["region"]
    return record


def _quoted(inputs: Inputs, value: str) -> str:
    quoted = inputs["type"] in ("TXT", "SPF") and not value.startswith('"')
    return f'"{value}"' if quoted else value


def _change(cloud: Cloud, zone: str, action: str, record: dict[str, Any]) -> None:
    cloud.aws("route53").change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
    )


def _exists(cloud: Cloud, zone: str, record: dict[str, Any]) -> bool:
    found = cloud.aws("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=record["Name"], StartRecordType=record["Type"]
    )["ResourceRecordSets"]
    key = (record["Name"].rstrip("."), record["Type"], record.get("SetIdentifier"))
    return key in {(r["Name"].rstrip("."), r["Type"], r.get("SetIdentifier")) for r in found}


class Record:
    """A record set in a hosted zone."""

    replaced_by = frozenset({"zoneId", "name", "type", "setIdentifier"})

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create it; one that exists is refused unless `allowOverwrite` is set."""
        record = _record_set(inputs)
        if not inputs.get("allowOverwrite") and _exists(cloud, inputs["zoneId"], record):
            raise ValueError(f"the zone has a {record['Type']} record {record['Name']} already")
        # moto refuses to CREATE what was once created and deleted since.
        _change(cloud, inputs["zoneId"], "UPSERT", record)
        parts = (inputs["zoneId"], inputs["name"], inputs["type"], inputs.get("setIdentifier"))
        return "_".join(part for part in parts if part), {"fqdn": inputs["name"].rstrip(".")}

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Replace the record set's values."""
        _change(cloud, new["zoneId"], "UPSERT", _record_set(new))
        return outputs

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Delete it."""
        try:
            _change(cloud, inputs["zoneId"], "DELETE", _record_set(inputs))
        except ClientError as error:
            missing = "it was not found" in str(error) or "but the values provided" in str(error)
            if not (gone(error) or missing):
                raise


def _certificate(subject: Subject) -> dict[str, str]:
    return {"CertificateArn": subject.id}


CERTIFICATE = AwsDriver(
    service="acm",
    create_by=Call("request_certificate"),
    read_by=Call("describe_certificate", given=_certificate),
    updates=(Call("update_certificate_options", given=_certificate, takes=("options",)),),
    delete_by=(Call("delete_certificate", given=_certificate),),
    id_is="CertificateArn",
    outputs_are={
        "arn": "Certificate.CertificateArn",
        "status": "Certificate.Status",
        "type": "Certificate.Type",
        "domainValidationOptions": (
            "Certificate.DomainValidationOptions[].{domainName: DomainName, "
            "resourceRecordName: ResourceRecord.Name, resourceRecordType: ResourceRecord.Type, "
            "resourceRecordValue: ResourceRecord.Value}"
        ),
    },
    tagging=Tagging("add_tags_to_certificate", "remove_tags_from_certificate", _certificate),
    replaced_by=frozenset(
        {
            "domainName",
            "subjectAlternativeNames",
            "validationMethod",
            "keyAlgorithm",
            "certificateAuthorityArn",
        }
    ),
)


def _validated(subject: Subject) -> str:
    """Hold the declared records against those that the certificate asks for."""
    certificate = subject.answer["Certificate"]
    declared = {name.rstrip(".") for name in subject.inputs.get("validationRecordFqdns") or ()}
    wanted = {
        option["ResourceRecord"]["Name"].rstrip(".")
        for option in certificate["DomainValidationOptions"]
        if "ResourceRecord" in option
    }
    if declared and wanted - declared:
        raise RuntimeError(
            f"{subject.inputs['certificateArn']} lacks the validation records "
            f"{', '.join(sorted(wanted - declared))}"
        )
    if certificate["Status"] != "ISSUED":
        raise RuntimeError(
            f"{subject.inputs['certificateArn']} is {certificate['Status']}, not ISSUED"
        )
    return str(subject.inputs["certificateArn"])


CERTIFICATE_VALIDATION = AwsDriver(
    service="acm",
    create_by=Call(
        "describe_certificate",
        takes=("certificateArn", "validationRecordFqdns"),
        reshape=lambda inputs: {"certificateArn": inputs["certificateArn"]},
    ),
    id_is=_validated,
    replaced_by=frozenset({"certificateArn", "validationRecordFqdns"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:route53/zone:Zone": ZONE,
    "aws:route53/record:Record": Record(),
    "aws:acm/certificate:Certificate": CERTIFICATE,
    "aws:acm/certificateValidation:CertificateValidation": CERTIFICATE_VALIDATION,
}
