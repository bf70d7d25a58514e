"""A role taken through another, for longer than one session of it lasts."""

from __future__ import annotations

from typing import Any


def of(own: Any, role_arn: str, name: str, region: str, config: Any) -> Any:
    """A boto3 session of the role, which `own` may take; raises `ClientError` where it may not.

    `config` is that of the calls that take it.

    A role that is taken by a role lasts an hour at most. botocore takes it anew some minutes before
    that, with what `own` has then, so that a client serves as long as the process does.
    """
    import boto3
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        CredentialProvider,
        CredentialResolver,
        DeferredRefreshableCredentials,
    )
    from botocore.session import Session

    def client(service: str, **given: Any) -> Any:
        return own.client(service, region_name=region, config=config, **given)

    fetcher = AssumeRoleCredentialFetcher(
        client, own.get_credentials(), role_arn, extra_args={"RoleSessionName": name}
    )
    credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    # Taken at once: a role that lets nobody in is told before a move changes something.
    credentials.get_frozen_credentials()

    class Taken(CredentialProvider):
        METHOD = "assume-role"

        def load(self) -> Any:
            return credentials

    session = Session()
    session.register_component("credential_provider", CredentialResolver([Taken()]))
    return boto3.session.Session(botocore_session=session)
