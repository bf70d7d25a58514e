"""Two slices of a tenant on a moto that enforces IAM, and a move's AWS calls as `tenant-mover`."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import iam_enforced
import requests
from moto.dynamodb.models import dynamodb_backends

from catalog import names
from catalog.tenant import Placement
from components.aws.ci_roles import mover_role
from components.aws.shared_role import shared_role
from stacks.ledger import read_ledger, table_name
from tenant_moves import ambient, credentials, entries, old_database, retained, route
from tenant_moves.ambient import AmbientAws
from tenant_moves.belongings import Belongings
from tenant_moves.plan import Plan
from tenant_moves.slices import DatabaseAt, Exports, Slice, key
from tenant_moves.switch import TenantSwitch
from tests.ledger_tables import make_ledger_table

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from catalog.catalog import Catalog
    from catalog.cell import Cell

TENANT = "brightwater"
SOURCE = Placement(cell="prod-eu-west-1", database="pool-a")
TARGET = Placement(cell="prod-us-east-1", database="pool-b")
MANY = 60
"""Objects for which rclone is started."""
PART = 5 * 1024**2
HOSTNAME = "brightwater.example.com"
BALANCER = "lb-{cell}.elb.amazonaws.com"


@dataclass
class MoverCloud:
    """What the stacks of organization, cells and tenant would have made, as far as moves see it."""

    catalog: Catalog
    moto: iam_enforced.Enforced
    directory: Path
    zone_id: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    def admin(self, service: str, region: str = "eu-west-1", account: str = "") -> Any:
        make: Any = boto3.client
        client = make(
            service,
            region_name=region,
            endpoint_url=self.moto.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

        def choose_account(request: Any, **_: Any) -> None:
            request.headers["x-moto-account-id"] = account

        if account:
            client.meta.events.register("before-sign.*", choose_account)
        return client

    @property
    def management(self) -> str:
        return self.catalog.organization.accounts.management

    def cell(self, place: Placement) -> Cell:
        return self.catalog.cells[place.cell]

    def make(self) -> None:
        """Slices, backups, ledger and zone, in place of what there was."""
        requests.post(f"{self.moto.url}/moto-api/reset", timeout=300)
        for place in (SOURCE, TARGET):
            self._slice(self.cell(place))
        self.zone_id = self.admin("route53", account=self.management).create_hosted_zone(
            Name="example.com", CallerReference="zone"
        )["HostedZone"]["Id"]
        table, home = table_name(self.catalog.organization.name), self.home
        make_ledger_table(self.admin("dynamodb", home, self.management), table)
        # The table's own policy lets the mover's account in, which moto knows nothing of.
        theirs = dynamodb_backends[self.management][home].tables
        dynamodb_backends[self.cell(SOURCE).account][home].tables[table] = theirs[table]

    @property
    def home(self) -> str:
        return self.catalog.organization.home_region

    def _slice(self, cell: Cell) -> None:
        organization = self.catalog.organization
        located: dict[str, Any] = {}
        if cell.region != "us-east-1":
            located = {"CreateBucketConfiguration": {"LocationConstraint": cell.region}}
        s3 = self.admin("s3", cell.region)
        for bucket in (
            names.bucket(organization, cell, TENANT),
            names.backup_bucket(organization, cell),
        ):
            s3.create_bucket(Bucket=bucket, **located)
        made = self.admin("kms", cell.region).create_key()["KeyMetadata"]
        self.keys[cell.name] = made["Arn"]
        self.admin("secretsmanager", cell.region).create_secret(
            Name=names.secret(cell, TENANT, "database"),
            KmsKeyId=made["KeyId"],
            SecretString=json.dumps({"username": "app", "password": "p"}),
        )

    def fill(self) -> None:
        """Objects in the source's bucket, one of them of parts, and a secret made by hand."""
        cell = self.cell(SOURCE)
        s3, bucket = (
            self.admin("s3", cell.region),
            names.bucket(self.catalog.organization, cell, TENANT),
        )
        for number in range(MANY):
            s3.put_object(Bucket=bucket, Key=f"invoices/{number}", Body=b"x" * number)
        upload = s3.create_multipart_upload(Bucket=bucket, Key="of parts")["UploadId"]
        parts = []
        for number, body in enumerate((b"a" * PART, b"b"), 1):
            answer = s3.upload_part(
                Bucket=bucket, Key="of parts", UploadId=upload, PartNumber=number, Body=body
            )
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        s3.complete_multipart_upload(
            Bucket=bucket, Key="of parts", UploadId=upload, MultipartUpload={"Parts": parts}
        )
        self.admin("secretsmanager", cell.region).create_secret(
            Name=f"{cell.name}/{TENANT}/partner", SecretString="token"
        )

    def take_role(
        self, mover: dict[str, Any], dns: dict[str, Any], patch: pytest.MonkeyPatch
    ) -> None:
        """Have the mover's credentials at hand, with these policies."""
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = mover_role(self.catalog.organization, "prod")
        account = self.cell(SOURCE).account
        for name, owner, policy in (
            (role, account, mover),
            (shared_role(self.catalog.organization, "dns"), self.management, dns),
        ):
            iam = self.admin("iam", account=owner)
            with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
                iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
            iam.put_role_policy(
                RoleName=name, PolicyName="ci", PolicyDocument=iam_enforced.as_moto_reads_it(policy)
            )
        taken = self.admin("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="test"
        )["Credentials"]
        self.use(taken, patch)

    def use(self, taken: dict[str, str], patch: pytest.MonkeyPatch) -> None:
        """Have these credentials at hand, and moto for AWS."""
        patch.setenv("AWS_ENDPOINT_URL", self.moto.url)
        patch.setenv("AWS_ACCESS_KEY_ID", taken["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", taken["SecretAccessKey"])
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        if "SessionToken" in taken:
            patch.setenv("AWS_SESSION_TOKEN", taken["SessionToken"])
        patch.setattr(ambient, "_clients", {})

    @cached_property
    def aws(self) -> AmbientAws:
        return AmbientAws(self.catalog.organization)

    @property
    def exports(self) -> Exports:
        organization = self.catalog.organization
        cells = [self.cell(SOURCE), self.cell(TARGET)]
        return Exports(
            serving=key(SOURCE),
            zone_id=self.zone_id,
            hostnames=(HOSTNAME,),
            slices={
                cell.name: Slice(
                    cell=cell.name,
                    bucket=names.bucket(organization, cell, TENANT),
                    secret=names.secret(cell, TENANT, "database"),
                    key_arn=self.keys[cell.name],
                    load_balancer=BALANCER.format(cell=cell.name),
                    load_balancer_zone_id="Z32O12XQLNTSW2",
                )
                for cell in cells
            },
            databases={
                key(place): DatabaseAt(f"{place.cell}.rds", f"{place.cell}-ro.rds", 5432, TENANT)
                for place in (SOURCE, TARGET)
            },
        )

    def move(self) -> None:
        """Every call to AWS that a tenant's move, its way back and its end make, in their order."""
        catalog, aws = self.catalog, self.aws
        ledger = entries.table(catalog.organization, aws)
        found = Plan(TENANT, f"{TENANT}-2", SOURCE, TARGET, False)
        entry = entries.first(ledger, catalog, TENANT, key(SOURCE))
        own = Placement(cell=TARGET.cell, database="dedicated", dedicated=_settings(catalog))
        assert list(retained.hindrances(catalog, aws, TENANT, own, slice_there=False)) == []
        left = retained.look(catalog, aws, TENANT, TARGET.cell)
        assert left is not None
        entries.begin(ledger, found, entry, [left])
        self._bring(found)
        entries.close(ledger, found, "ended", left)
        assert ledger.history(TENANT)[-1].why == "ended"
        assert read_ledger(catalog, aws.client("dynamodb", self.management, self.home))
        self._keep_dump(found)

    def _bring(self, found: Plan) -> None:
        belongings = Belongings(self.catalog, self.aws, found, self.exports, self.directory)
        done = belongings.approach("target", lambda: None, lambda _: None)
        assert done is not None
        assert (done.objects, done.left) == (MANY + 1, ())
        self._change()
        switch = TenantSwitch(self.catalog, self.aws, found, self.exports, belongings, "target")
        switch("target", 60.0)
        route53 = self.aws.client("route53", self.management, self.home)
        assert route.points_at(route53, self.zone_id, HOSTNAME) == BALANCER.format(cell=TARGET.cell)
        at = self.exports.slice(TARGET)
        secrets = self.aws.client("secretsmanager", self.cell(TARGET).account, "us-east-1")
        assert credentials.leads_to(secrets, at, self.exports.database(TARGET))
        assert credentials.key_of(secrets, at) is not None
        assert credentials.read(secrets, at)["password"] == "p"
        # The swap is undone: the bucket that was made read-only is opened again.
        switch("source", 60.0)
        entry = entries.table(self.catalog.organization, self.aws).entry(TENANT)
        assert entry is not None
        assert key(entry.placement) == key(SOURCE)

    def _change(self) -> None:
        """What happens while a move goes on."""
        cell = self.cell(SOURCE)
        s3, bucket = self.admin("s3", cell.region), self.exports.slice(SOURCE).bucket
        s3.put_object(Bucket=bucket, Key="since", Body=b"new")
        s3.delete_object(Bucket=bucket, Key="invoices/1")
        self.admin("secretsmanager", cell.region).put_secret_value(
            SecretId=f"{cell.name}/{TENANT}/partner", SecretString="another"
        )

    def _keep_dump(self, found: Plan) -> None:
        """Keep a last dump; an upload of it that breaks leaves no parts behind."""
        dump = self.directory / "last.dump"
        dump.write_bytes(b"d" * (2 * PART))

        class Platform:
            catalog, aws = self.catalog, self.aws

        cell = self.cell(TARGET)
        s3 = self.aws.client("s3", cell.account, cell.region)

        def broken(**_: Any) -> None:
            raise ConnectionError("the network is gone")

        s3.meta.events.register("before-call.s3.UploadPart", broken)
        with contextlib.suppress(ConnectionError):
            old_database.keep(Platform(), found, TARGET, dump, "there")  # type: ignore[arg-type]
        s3.meta.events.unregister("before-call.s3.UploadPart", broken)
        assert dump.exists()
        bucket = names.backup_bucket(self.catalog.organization, cell)
        uploads = self.admin("s3", cell.region).list_multipart_uploads(Bucket=bucket)
        assert uploads.get("Uploads", []) == [], "parts of the dump were left behind"
        old_database.keep(Platform(), found, TARGET, dump, "there")  # type: ignore[arg-type]
        assert not dump.exists()

    def dumps(self) -> list[dict[str, str]]:
        """The last dumps that the target's cell keeps."""
        cell = self.cell(TARGET)
        bucket = names.backup_bucket(self.catalog.organization, cell)
        found = self.admin("s3", cell.region).list_objects_v2(Bucket=bucket)
        return [{"Bucket": bucket, "Key": item["Key"]} for item in found.get("Contents", ())]


def _settings(catalog: Catalog) -> Any:
    return catalog.tenants["aurelia-health"].placement.dedicated
