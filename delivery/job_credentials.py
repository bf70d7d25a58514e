"""Takes a role by the identity that GitHub gives a job, in the form that AWS's programs ask for.

A role's session ends after an hour, and a job may take longer. What works by a profile with a
`credential_process` asks for the next one by itself. Source:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from components.aws.github_oidc import AUDIENCE

if TYPE_CHECKING:
    from collections.abc import Iterable

ADDRESS, TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""The variables by which a job with `id-token: write` asks GitHub who it is."""
ANSWER_SECONDS = 20.0


class NoIdentityError(Exception):
    """The role can't be taken; the text says why, and holds no token."""


def take(role_arn: str, region: str) -> dict[str, Any]:
    """A session of a role, for an hour; it is a credential.

    Raises `NoIdentityError` outside of a job, and where GitHub or AWS refuses.
    """
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    sts = boto3.client("sts", region_name=region, config=Config(signature_version=UNSIGNED))
    try:
        taken = sts.assume_role_with_web_identity(
            RoleArn=role_arn,
            RoleSessionName=f"github-{os.environ.get('GITHUB_RUN_ID', 'job')}",
            WebIdentityToken=_identity(),
        )["Credentials"]
    except (BotoCoreError, ClientError) as error:
        raise NoIdentityError(f"AWS does not let this job take {role_arn}: {error}") from None
    return {
        "Version": 1,
        "AccessKeyId": taken["AccessKeyId"],
        "SecretAccessKey": taken["SecretAccessKey"],
        "SessionToken": taken["SessionToken"],
        "Expiration": taken["Expiration"].isoformat(),
    }


def profiles(account: str, region: str, roles: Iterable[str]) -> str:
    """A configuration file of AWS's programs with a profile for each role; it holds no secret."""
    program = shlex.quote(str(Path(sys.executable).with_name("patchworks")))
    return "\n".join(
        f"[profile {role}]\nregion = {region}\n"
        f"credential_process = {program} deliver credentials {account} --role {role}\n"
        for role in roles
    )


def _identity() -> str:
    """GitHub's word for who this job is; it is a credential for some minutes."""
    address, token = os.environ.get(ADDRESS), os.environ.get(TOKEN)
    if not address or not token:
        raise NoIdentityError(
            f"{ADDRESS} and {TOKEN} are not set: this is no job that GitHub gives an identity; "
            "it needs the permission `id-token: write`"
        )
    try:
        answer = urllib3.request(
            "GET",
            f"{address}&audience={AUDIENCE}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=ANSWER_SECONDS,
        )
        if answer.status != 200:
            raise NoIdentityError(f"GitHub answered {answer.status} when asked who this job is")
        return str(answer.json()["value"])
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as error:
        raise NoIdentityError(
            f"GitHub does not say who this job is: {type(error).__name__}"
        ) from None
