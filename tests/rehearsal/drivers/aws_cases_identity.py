"""Cases for IAM, keys, secrets and people."""

from __future__ import annotations

from aws_case import ACCOUNT, Case, Subject, Surroundings, allow, trust

TAGS = {"tags": {"Name": "tested"}}
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def _role(s: Subject) -> object:
    iam = s.api("iam")
    return {
        **iam.get_role(RoleName=s.id),
        **iam.list_attached_role_policies(RoleName=s.id),
    }


def _attached(s: Subject) -> object:
    return s.api("iam").list_attached_role_policies(RoleName=s.inputs["role"])


def _policy(s: Subject) -> object:
    iam = s.api("iam")
    policy = iam.get_policy(PolicyArn=s.id)
    version = policy["Policy"]["DefaultVersionId"]
    return {**policy, **iam.get_policy_version(PolicyArn=s.id, VersionId=version)}


def _role_policy(s: Subject) -> object:
    role, name = s.id.split(":")
    return s.api("iam").get_role_policy(RoleName=role, PolicyName=name)


def _key(s: Subject) -> object:
    kms = s.api("kms")
    key = kms.describe_key(KeyId=s.id)
    pending = key["KeyMetadata"]["KeyState"] == "PendingDeletion"
    rotation = {} if pending else kms.get_key_rotation_status(KeyId=s.id)
    return {**key, "rotates": rotation.get("KeyRotationEnabled")}


def _secret(s: Subject) -> object:
    return s.api("secretsmanager").describe_secret(SecretId=s.id)


def _permission_set(s: Subject) -> dict[str, str]:
    return {
        "InstanceArn": s.inputs["instanceArn"],
        "PermissionSetArn": s.inputs["permissionSetArn"],
    }


def _group(around: Surroundings) -> str:
    return str(
        around.make(
            "aws:identitystore/group:Group",
            "operators",
            identityStoreId="d-1234567890",
            displayName="operators",
        )[1]["groupId"]
    )


CASES = {
    "aws:iam/role:Role": Case(
        inputs=lambda a: {
            "assumeRolePolicy": trust("eks.amazonaws.com"),
            "description": "of the test",
            "maxSessionDuration": 7200.0,
            "managedPolicyArns": [READ_ONLY],
            "permissionsBoundary": READ_ONLY,
            **TAGS,
        },
        read=_role,
        shows={
            "Role.MaxSessionDuration": 7200,
            "Role.PermissionsBoundary.PermissionsBoundaryArn": READ_ONLY,
            "AttachedPolicies[0].PolicyArn": READ_ONLY,
            "Role.Tags[?Key=='cell'].Value | [0]": "dev-eu-west-1",
        },
        change=lambda a: {
            "assumeRolePolicy": trust("pods.eks.amazonaws.com"),
            "maxSessionDuration": 3600,
            "managedPolicyArns": [],
            "permissionsBoundary": None,
        },
        then={
            "Role.MaxSessionDuration": 3600,
            "Role.PermissionsBoundary": None,
            "AttachedPolicies[0]": None,
            "Role.AssumeRolePolicyDocument.Statement[0].Principal.Service": (
                "pods.eks.amazonaws.com"
            ),
        },
        outputs={"arn": r"arn:aws:iam::111122223333:role/tested-[0-9a-f]{7}"},
    ),
    "aws:iam/rolePolicy:RolePolicy": Case(
        inputs=lambda a: {
            "role": a.role()[0],
            "name": "read",
            "policy": allow("s3:GetObject"),
        },
        read=_role_policy,
        shows={"PolicyDocument.Statement[0].Action": "s3:GetObject"},
        change=lambda a: {"policy": allow("s3:ListBucket")},
        then={"PolicyDocument.Statement[0].Action": "s3:ListBucket"},
    ),
    "aws:iam/policy:Policy": Case(
        inputs=lambda a: {
            "description": "of the test",
            "policy": allow("s3:GetObject"),
            **TAGS,
        },
        read=_policy,
        shows={"PolicyVersion.Document.Statement[0].Action": "s3:GetObject"},
        change=lambda a: {"policy": allow("s3:ListBucket")},
        then={"PolicyVersion.Document.Statement[0].Action": "s3:ListBucket"},
        outputs={"arn": "policy/tested-"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Case(
        inputs=lambda a: {"role": a.role("attached")[0], "policyArn": READ_ONLY},
        read=_attached,
        shows={"AttachedPolicies[0].PolicyArn": READ_ONLY},
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Case(
        inputs=lambda a: {
            "url": "https://token.actions.githubusercontent.com",
            "clientIdLists": ["sts.amazonaws.com"],
            "thumbprintLists": ["a" * 40],
            **TAGS,
        },
        read=lambda s: s.api("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=s.id),
        shows={"ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["a" * 40]},
        change=lambda a: {"thumbprintLists": ["b" * 40]},
        then={"ThumbprintList": ["b" * 40]},
        outputs={"arn": "oidc-provider/token.actions.githubusercontent.com"},
    ),
    "aws:iam/samlProvider:SamlProvider": Case(
        inputs=lambda a: {"name": "vpn", "samlMetadataDocument": "<one/>" * 200},
        read=lambda s: s.api("iam").get_saml_provider(SAMLProviderArn=s.id),
        shows={"SAMLMetadataDocument": "<one/>" * 200},
        change=lambda a: {"samlMetadataDocument": "<two/>" * 200},
        then={"SAMLMetadataDocument": "<two/>" * 200},
        outputs={"arn": "saml-provider/vpn"},
    ),
    "aws:iam/instanceProfile:InstanceProfile": Case(
        inputs=lambda a: {"role": a.role("nodes", "ec2.amazonaws.com")[0], **TAGS},
        read=lambda s: s.api("iam").get_instance_profile(InstanceProfileName=s.id),
        shows={"InstanceProfile.Roles[0].RoleName": "nodes"},
        change=lambda a: {"role": a.role("other-nodes", "ec2.amazonaws.com")[0]},
        then={"InstanceProfile.Roles[].RoleName": ["other-nodes"]},
        outputs={"arn": "instance-profile/tested-"},
    ),
    "aws:kms/key:Key": Case(
        inputs=lambda a: {
            "description": "of the test",
            "enableKeyRotation": True,
            "deletionWindowInDays": 30.0,
            "policy": allow("kms:*"),
            **TAGS,
        },
        read=_key,
        shows={"KeyMetadata.Description": "of the test", "rotates": True},
        change=lambda a: {"description": "of another", "enableKeyRotation": False},
        then={"KeyMetadata.Description": "of another", "rotates": False},
        outputs={"arn": r"arn:aws:kms:eu-west-1:111122223333:key/[0-9a-f-]{36}", "keyId": "-"},
        after_delete={"KeyMetadata.KeyState": "PendingDeletion"},
    ),
    "aws:kms/alias:Alias": Case(
        inputs=lambda a: {"name": "alias/tested", "targetKeyId": a.key("one")},
        read=lambda s: s.api("kms").describe_key(KeyId=s.id),
        shows={"KeyMetadata.Description": "one"},
        change=lambda a: {"targetKeyId": a.key("two")},
        then={"KeyMetadata.Description": "two"},
        outputs={"arn": ":alias/tested", "targetKeyArn": ":key/"},
    ),
    "aws:secretsmanager/secret:Secret": Case(
        inputs=lambda a: {
            "name": "dev-eu-west-1/acme/application",
            "description": "of the test",
            "kmsKeyId": a.key(),
            "recoveryWindowInDays": 7,
            **TAGS,
        },
        read=_secret,
        shows={
            "Description": "of the test",
            "Tags[?Key=='Name'].Value | [0]": "tested",
            "DeletedDate": None,
        },
        change=lambda a: {"description": "of another", "policy": allow("secretsmanager:*")},
        then={"Description": "of another"},
        outputs={"arn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:dev-eu"},
        after_delete={"DeletedDate != null": True},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Case(
        inputs=lambda a: {"secretId": a.secret("versioned"), "secretString": "first"},
        read=lambda s: s.api("secretsmanager").get_secret_value(SecretId=s.inputs["secretId"]),
        shows={"SecretString": "first"},
        outputs={"versionId": "[0-9a-f-]{36}", "arn": "secret:versioned"},
        after_delete={"SecretString": "first"},
    ),
    "aws:secretsmanager/secretPolicy:SecretPolicy": Case(
        inputs=lambda a: {
            "secretArn": a.secret("guarded"),
            "policy": allow("secretsmanager:GetSecretValue"),
        },
        read=lambda s: s.api("secretsmanager").get_resource_policy(SecretId=s.id),
        shows={"contains(ResourcePolicy || '', 'GetSecretValue') || null": True},
        change=lambda a: {"policy": allow("secretsmanager:DescribeSecret")},
        then={"contains(to_string(ResourcePolicy), 'DescribeSecret')": True},
    ),
    "aws:ssm/parameter:Parameter": Case(
        inputs=lambda a: {"name": "/cell/endpoint", "type": "String", "value": "one", **TAGS},
        read=lambda s: s.api("ssm").get_parameter(Name=s.id),
        shows={"Parameter.Value": "one"},
        change=lambda a: {"value": "two"},
        then={"Parameter.Value": "two", "Parameter.Version": 2},
        outputs={"arn": "parameter/cell/endpoint", "version": "[12]"},
    ),
    "aws:identitystore/group:Group": Case(
        inputs=lambda a: {
            "identityStoreId": "d-1234567890",
            "displayName": "developers",
            "description": "Those who look",
        },
        read=lambda s: s.api("identitystore").describe_group(
            IdentityStoreId="d-1234567890", GroupId=s.id.split("/")[1]
        ),
        shows={"DisplayName": "developers", "Description": "Those who look"},
        outputs={"groupId": "[0-9a-f-]+"},
    ),
    "aws:ssoadmin/permissionSet:PermissionSet": Case(
        inputs=lambda a: {
            "name": "operator",
            "description": "Operates",
            "instanceArn": a.identity_center,
            "sessionDuration": "PT4H",
            **TAGS,
        },
        read=lambda s: s.api("sso-admin").describe_permission_set(
            InstanceArn=s.inputs["instanceArn"], PermissionSetArn=s.id.split(",")[0]
        ),
        shows={"PermissionSet.SessionDuration": "PT4H"},
        change=lambda a: {"sessionDuration": "PT1H"},
        then={"PermissionSet.SessionDuration": "PT1H"},
        outputs={"arn": "arn:aws:sso:::.+/ps-"},
    ),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": Case(
        inputs=lambda a: {
            "instanceArn": a.identity_center,
            "permissionSetArn": a.permission_set(),
            "inlinePolicy": allow("s3:GetObject"),
        },
        read=lambda s: s.api("sso-admin").get_inline_policy_for_permission_set(
            **_permission_set(s)
        ),
        shows={"contains(to_string(InlinePolicy), 's3:GetObject') || null": True},
        change=lambda a: {"inlinePolicy": allow("s3:ListBucket")},
        then={"contains(to_string(InlinePolicy), 's3:ListBucket')": True},
    ),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": Case(
        inputs=lambda a: {
            "instanceArn": a.identity_center,
            "permissionSetArn": a.permission_set(),
            "managedPolicyArn": READ_ONLY,
        },
        read=lambda s: s.api("sso-admin").list_managed_policies_in_permission_set(
            **_permission_set(s)
        ),
        shows={"AttachedManagedPolicies[0].Arn": READ_ONLY},
        outputs={"managedPolicyName": "ReadOnlyAccess"},
    ),
    "aws:ssoadmin/customerManagedPolicyAttachment:CustomerManagedPolicyAttachment": Case(
        inputs=lambda a: {
            "instanceArn": a.identity_center,
            "permissionSetArn": a.permission_set(),
            "customerManagedPolicyReference": {"name": "boundary", "path": "/"},
        },
        read=lambda s: s.api("sso-admin").list_customer_managed_policy_references_in_permission_set(
            **_permission_set(s)
        ),
        shows={"CustomerManagedPolicyReferences[0].Name": "boundary"},
    ),
    "aws:ssoadmin/accountAssignment:AccountAssignment": Case(
        inputs=lambda a: {
            "instanceArn": a.identity_center,
            "permissionSetArn": a.permission_set(),
            "principalId": _group(a),
            "principalType": "GROUP",
            "targetId": ACCOUNT,
            "targetType": "AWS_ACCOUNT",
        },
        read=lambda s: s.api("sso-admin").list_account_assignments(
            **_permission_set(s), AccountId=ACCOUNT
        ),
        shows={"AccountAssignments[0].PrincipalType": "GROUP"},
    ),
}
