"""Data that is lost, or less well kept: replacements, keys, protection and retention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.marks.looking import changed, lowered, mark, named, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.document import Mark
    from planning.marks.looking import Case

HOLDS_DATA = {
    "aws:backup/vault:Vault": "its recovery points",
    "aws:cloudwatch/logGroup:LogGroup": "its logs",
    "aws:dynamodb/table:Table": "its items",
    "aws:ebs/volume:Volume": "its blocks",
    "aws:ecr/repository:Repository": "its images",
    "aws:efs/fileSystem:FileSystem": "its files",
    "aws:kms/key:Key": "all that is encrypted under it",
    "aws:rds/cluster:Cluster": "its databases",
    "aws:rds/instance:Instance": "its databases",
    "aws:s3/bucket:Bucket": "its objects",
    "aws:secretsmanager/secret:Secret": "its values",
    "kubernetes:core/v1:PersistentVolumeClaim": "its files",
    "postgresql:index/database:Database": "its tables",
    "random:index/randomPassword:RandomPassword": "a password that is in use",
}
"""What is lost with a resource of each type."""

_KEYS = ("kmsKeyId", "kmsKeyArn", "kmsMasterKeyId", "kmsMasterKeyArn", "encryptionKey")
_PROTECTION = ("deletionProtection", "deletionProtectionEnabled", "enableDeletionProtection")
_BACKUPS = ("backupRetentionPeriod", "deleteAfter", "minRetentionDays", "recoveryWindowInDays")


def loses_data(case: Case) -> Iterator[Mark]:
    """What holds data goes, or is made anew and empty."""
    compared, change = case.compared, case.change
    what = HOLDS_DATA.get(change.type)
    if what is None or change.action not in ("replace", "delete", "forget"):
        return
    refused = "; Pulumi refuses, since it is protected" if _is_protected(case) else ""
    if change.action == "forget" or (change.action == "replace" and change.retained):
        new = ", and a new, empty one takes its place" if change.action == "replace" else ""
        yield mark(
            "loses-data",
            "high" if new else "medium",
            f"{named(compared)} is let go, and with it {what}: it stays, unmanaged{new}{refused}",
        )
        return
    fate = "is made anew" if change.action == "replace" else "is deleted"
    yield mark("loses-data", "high", f"{named(compared)} {fate}, and loses {what}{refused}")


def _is_protected(case: Case) -> bool:
    return case.compared.before is not None and case.compared.before.protect


def storage_key(case: Case) -> Iterator[Mark]:
    """What is stored is encrypted under another key, which mostly means: stored anew."""
    compared, change = case.compared, case.change
    for each in changed(change, *_KEYS):
        if compared.before is None or compared.after is None or "tags" in each.path:
            continue
        replaces = "which replaces it" if change.action == "replace" else "for what comes from now"
        yield mark(
            "storage-key-changed",
            "high" if change.action == "replace" else "medium",
            f"{named(compared)} gets another encryption key, {replaces}",
            each.path,
        )


def protection(case: Case) -> Iterator[Mark]:
    """What guarded against deletion is taken away."""
    compared, change = case.compared, case.change
    if compared.before is None or compared.after is None:
        return
    for each in changed(change, *_PROTECTION):
        if each.before in (True, "true") and each.after not in (True, "true"):
            text = f"{named(compared)} may be deleted from now on: {each.path} goes off"
            yield mark("deletion-protection-off", "high", text, each.path)
    for each in changed(change, "forceDestroy", "skipFinalSnapshot"):
        if each.after in (True, "true"):
            text = f"{named(compared)} is deleted with all it holds: {each.path} goes on"
            yield mark("deletion-protection-off", "high", text, each.path)
    for each in changed(change, "protect", "retain_on_delete"):
        if each.path.startswith("options.") and each.before is True:
            what = each.path.removeprefix("options.")
            text = f"{named(compared)} loses Pulumi's `{what}`: a later change may delete it"
            yield mark("deletion-protection-off", "medium", text, each.path)


def retention(case: Case) -> Iterator[Mark]:
    """Backups, logs or old versions are kept for a shorter time, or not at all."""
    compared, change = case.compared, case.change
    if compared.before is None or compared.after is None:
        return
    for each in changed(change, *_BACKUPS):
        if lowered(each):
            yield mark(
                "backup-retention-cut",
                "high",
                f"{named(compared)}: {each.path} from {plain(each.before)} to {plain(each.after)}",
                each.path,
            )
    if change.type == "aws:dynamodb/table:Table":
        for each in changed(change, "enabled", "pointInTimeRecovery"):
            if "pointInTimeRecovery" in each.path and each.after is not True:
                text = f"{named(compared)} can no longer be restored to a point in time"
                yield mark("backup-retention-cut", "high", text, each.path)
    for each in changed(change, "retentionInDays"):
        if lowered(each, forever=0):
            yield mark(
                "log-retention-cut",
                "medium",
                f"{named(compared)} keeps logs for {plain(each.after)} days, "
                f"no longer {plain(each.before)}",
                each.path,
            )
    for each in changed(change, "enabledClusterLogTypes", "enabledCloudwatchLogsExports"):
        if each.kind == "removed":
            text = f"{named(compared)} no longer writes its {plain(each.before)} log"
            yield mark("log-retention-cut", "medium", text, each.path)
    for each in changed(change, "days", "noncurrentDays"):
        if change.type == "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration" and (
            lowered(each, missing=float("inf")) and "xpiration" in each.path
        ):
            yield mark(
                "object-retention-cut",
                "medium",
                f"{named(compared)}: {each.path} from {plain(each.before)} to {plain(each.after)}",
                each.path,
            )
