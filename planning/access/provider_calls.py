"""What the AWS provider calls where CloudFormation's schemas don't say it, or say too much.

Pulumi splits some of CloudFormation's types, such as a bucket, into several; and a handler lists
the actions of every feature of its type, whether a resource uses that feature or not. Source of
the calls: https://github.com/hashicorp/terraform-provider-aws, which pulumi-aws is made from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Calls = dict[str, tuple[str, ...]]
"""Actions by the handler that calls them: create, read, update, delete."""


def _setting(put: str, get: str) -> Calls:
    """A setting of another resource: written by one action whatever happens, read by another."""
    return {"create": (put,), "read": (get,), "update": (put,), "delete": (put,)}


OWN: Mapping[str, Calls] = {
    "aws:acm/certificateValidation:CertificateValidation": {
        "create": ("acm:DescribeCertificate",),
        "read": ("acm:DescribeCertificate",),
    },
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": {
        "create": ("backup:PutBackupVaultLockConfiguration",),
        "read": ("backup:DescribeBackupVault",),
        "delete": ("backup:DeleteBackupVaultLockConfiguration",),
    },
    "aws:cloudwatch/eventTarget:EventTarget": {
        "create": ("events:PutTargets",),
        "read": ("events:ListTargetsByRule",),
        "update": ("events:PutTargets",),
        "delete": ("events:RemoveTargets",),
    },
    "aws:codebuild/project:Project": {
        "create": ("codebuild:CreateProject", "iam:PassRole"),
        "read": ("codebuild:BatchGetProjects",),
        "update": ("codebuild:UpdateProject", "iam:PassRole"),
        "delete": ("codebuild:DeleteProject",),
    },
    "aws:codebuild/webhook:Webhook": {
        "create": ("codebuild:CreateWebhook",),
        "read": ("codebuild:BatchGetProjects",),
        "update": ("codebuild:UpdateWebhook",),
        "delete": ("codebuild:DeleteWebhook",),
    },
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {
        "create": (
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateTags",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        ),
        "read": ("ec2:DescribeSecurityGroups",),
    },
    "aws:ec2clientvpn/endpoint:Endpoint": {
        "create": ("ec2:CreateClientVpnEndpoint", "ec2:CreateTags"),
        "read": ("ec2:DescribeClientVpnEndpoints",),
        "update": ("ec2:ModifyClientVpnEndpoint",),
        "delete": ("ec2:DeleteClientVpnEndpoint",),
    },
    "aws:ec2clientvpn/networkAssociation:NetworkAssociation": {
        "create": ("ec2:AssociateClientVpnTargetNetwork",),
        "read": ("ec2:DescribeClientVpnTargetNetworks",),
        "delete": ("ec2:DisassociateClientVpnTargetNetwork",),
    },
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {
        "create": ("eks:AssociateAccessPolicy",),
        "read": ("eks:ListAssociatedAccessPolicies",),
        "delete": ("eks:DisassociateAccessPolicy",),
    },
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
        "create": ("iam:AttachRolePolicy",),
        "read": ("iam:ListAttachedRolePolicies",),
        "delete": ("iam:DetachRolePolicy",),
    },
    "aws:route53/record:Record": {
        "create": ("route53:ChangeResourceRecordSets", "route53:GetChange"),
        "read": ("route53:GetHostedZone", "route53:ListResourceRecordSets"),
        "update": ("route53:ChangeResourceRecordSets", "route53:GetChange"),
        "delete": ("route53:ChangeResourceRecordSets", "route53:GetChange"),
    },
    "aws:s3/bucket:Bucket": {
        "create": ("s3:CreateBucket", "s3:PutBucketTagging"),
        "read": (
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketCORS",
            "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketPolicy",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
        ),
        "update": ("s3:PutBucketTagging",),
        "delete": ("s3:DeleteBucket",),
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _setting(
        "s3:PutLifecycleConfiguration", "s3:GetLifecycleConfiguration"
    ),
    "aws:s3/bucketLogging:BucketLogging": _setting("s3:PutBucketLogging", "s3:GetBucketLogging"),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _setting(
        "s3:PutBucketObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _setting(
        "s3:PutBucketOwnershipControls", "s3:GetBucketOwnershipControls"
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _setting(
        "s3:PutBucketPublicAccessBlock", "s3:GetBucketPublicAccessBlock"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _setting("s3:PutEncryptionConfiguration", "s3:GetEncryptionConfiguration")
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _setting(
        "s3:PutBucketVersioning", "s3:GetBucketVersioning"
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": {
        "create": ("secretsmanager:PutSecretValue",),
        "read": ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"),
        "update": ("secretsmanager:UpdateSecretVersionStage",),
        "delete": ("secretsmanager:UpdateSecretVersionStage",),
    },
    "pulumi:providers:postgresql": {"create": ("rds-db:connect",)},
}
"""Types that CloudFormation lacks, has no handlers for, or has as a part of a larger one."""

FEATURES: Mapping[str, Mapping[str, str]] = {
    "aws:acm/certificate:Certificate": {"acm-pca:*": "certificateAuthorityArn"},
    "aws:ec2/vpcEndpoint:VpcEndpoint": {
        "vpc-lattice:*": "serviceNetworkArn",
        "vpce:*": "serviceRegion",
    },
    "aws:iam/role:Role": {
        "iam:*PermissionsBoundary": "permissionsBoundary",
        "iam:AttachRolePolicy": "managedPolicyArns",
        "iam:DetachRolePolicy": "managedPolicyArns",
        "iam:DeleteRolePolicy": "inlinePolicies",
        "iam:PutRolePolicy": "inlinePolicies",
    },
    "aws:lb/listener:Listener": {"cognito-idp:*": "authenticateCognito"},
    "aws:lb/listenerRule:ListenerRule": {"cognito-idp:*": "authenticateCognito"},
    "aws:wafv2/webAclAssociation:WebAclAssociation": {
        "amplify:*": ":amplify:",
        "apigateway:*": ":apigateway:",
        "apprunner:*": ":apprunner:",
        "appsync:*": ":appsync:",
        "cognito-idp:*": ":cognito-idp:",
        "ec2:*": ":ec2:",
    },
}
"""Actions of a handler that only some feature needs: those that a pattern matches are called where
the text stands in one of the resource's inputs, as a property's name or in a value."""
