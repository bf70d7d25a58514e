"""AWS by the credentials at hand, such as those of the role `tenant-mover` of one environment."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ProfileNotFound

from components.aws.shared_role import shared_role_arn
from tenant_moves import shared_session
from tenant_moves.cloud_faults import AGAIN, TAKE, CredentialsError

if TYPE_CHECKING:
    from catalog.organization import Organization

SESSION = "patchworks-tenant-mover"
"""The name under which CloudTrail shows what was done to tenants' names."""

_clients: dict[tuple[str | None, str, str, str], Any] = {}
_making = threading.Lock()


@dataclass(frozen=True)
class AmbientAws:
    """What boto3 finds: variables, a profile, a runner's web identity.

    The credentials are of one environment's account. Tenants' names lie in the management account,
    and are written through the role there that is shared for that. Tables of the management account
    are named by their ARN, whose policy lets the mover in.
    """

    organization: Organization
    profile: str | None = None
    """Another profile than the one at hand, such as that of the deploy role."""

    def client(self, service: str, account: str, region: str) -> Any:
        """See `platform.Aws`; raises `CredentialsError` where they are of another account."""
        known = (self.profile, service, account, region)
        with _making:
            if known not in _clients:
                _clients[known] = self._make(service, account, region)
            return _clients[known]

    def rclone(self, account: str, region: str) -> dict[str, str]:
        """See `platform.Aws`; the credentials are those of the moment, and last for one pass."""
        s3 = self.client("s3", account, region)
        frozen = self._session().get_credentials().get_frozen_credentials()
        settings = {
            "PROVIDER": "AWS",
            "ENDPOINT": s3.meta.endpoint_url,
            "REGION": region,
            "ACCESS_KEY_ID": str(frozen.access_key),
            "SECRET_ACCESS_KEY": str(frozen.secret_key),
        }
        return settings | ({"SESSION_TOKEN": frozen.token} if frozen.token else {})

    def _make(self, service: str, account: str, region: str) -> Any:
        from botocore.config import Config

        # What a pause waits for is tried again soon, and not for long.
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 4},
            connect_timeout=5,
            read_timeout=20,
            max_pool_connections=32,
        )
        session = self._session()
        if service == "route53":
            # Tenants' names are of the management account, which lets its own role write them.
            role = shared_role_arn(self.organization, "dns")
            session = shared_session.of(session, role, SESSION, region, config)
        elif service != "dynamodb":
            self._check(account, region)
        return session.client(service, region_name=region, config=config)

    def _check(self, account: str, region: str) -> None:
        found = self._session().client("sts", region_name=region).get_caller_identity()
        if found["Account"] != account:
            raise CredentialsError(
                f"the credentials at hand are of the account {found['Account']} ({found['Arn']}), "
                f"and the cell is in {account}",
                remedy=f"{TAKE}, and {AGAIN}",
            )

    def _session(self) -> Any:
        """What boto3 finds; raises `CredentialsError` where that is nothing."""
        import boto3

        try:
            session: Any = boto3.session.Session(profile_name=self.profile)
        except ProfileNotFound as error:
            raise CredentialsError(
                str(error), remedy="name another one, or write it into the configuration"
            ) from None
        if session.get_credentials() is None:
            raise CredentialsError("there are no AWS credentials", remedy=f"{TAKE}, and {AGAIN}")
        return session
