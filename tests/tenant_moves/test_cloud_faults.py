"""What AWS's SDK raises is told by its meaning, with what to do, and without a login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import exceptions as sdk
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from catalog.load import find_root, load
from tenant_moves import balancers, cloud_faults
from tenant_moves.cloud_faults import CloudError, CredentialsError

if TYPE_CHECKING:
    from database_moves.errors import MoveError

CATALOG = load(find_root())
CELL = CATALOG.cells["prod-eu-west-1"]
ANEW, TAKE, WAY = "take the role anew", "take the role tenant-mover", "see to the way there"


def answer(code: str, operation: str = "GetItem") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as AWS says"}}, operation)


@pytest.mark.parametrize(
    ("error", "kind", "remedy"),
    [
        (answer("ExpiredTokenException"), CredentialsError, ANEW),
        (answer("ExpiredToken", "PutObject"), CredentialsError, ANEW),
        (answer("400", "HeadBucket"), CredentialsError, ANEW),
        (answer("UnrecognizedClientException"), CredentialsError, TAKE),
        (answer("InvalidClientTokenId", "GetCallerIdentity"), CredentialsError, TAKE),
        (answer("AccessDeniedException"), CredentialsError, TAKE),
        (answer("ResourceNotFoundException"), CloudError, "mend that"),
        (sdk.NoCredentialsError(), CredentialsError, TAKE),
        (sdk.PartialCredentialsError(provider="env", cred_var="x"), CredentialsError, TAKE),
        (sdk.TokenRetrievalError(provider="sso", error_msg="expired"), CredentialsError, TAKE),
        (sdk.EndpointConnectionError(endpoint_url="https://h"), CloudError, WAY),
        (sdk.ConnectTimeoutError(endpoint_url="https://h"), CloudError, WAY),
        (sdk.ReadTimeoutError(endpoint_url="https://h"), CloudError, WAY),
        (sdk.SSLError(endpoint_url="https://h", error="self-signed"), CloudError, WAY),
        (sdk.NoRegionError(), CloudError, "mend that"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_each_error_of_the_sdk_says_what_to_do(
    error: BotoCoreError | ClientError, kind: type[MoveError], remedy: str
) -> None:
    with pytest.raises(kind) as told, cloud_faults.explained():
        raise error
    said = str(told.value)
    assert (remedy in said, "run the same command again" in said) == (True, True), said
    assert "AWS" in said or "role" in said


def test_no_login_in_an_address_is_shown() -> None:
    error = sdk.EndpointConnectionError(endpoint_url="http://me:p'w%20x@proxy.example/")
    said = str(cloud_faults.fault(error))
    assert "proxy.example" in said
    assert "p'w" not in said


class Nowhere:
    """A way to AWS on which nothing answers."""

    def client(self, service: str, account: str, region: str) -> Any:
        del account
        return boto3.client(
            service,
            region_name=region,
            endpoint_url="http://127.0.0.1:1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def rclone(self, account: str, region: str) -> dict[str, str]:
        raise NotImplementedError


def test_a_protection_that_can_t_be_switched_off_is_told_with_the_command_that_does_it() -> None:
    with pytest.raises(CloudError) as told:
        balancers.unprotect(Nowhere(), CELL, "brightwater")
    said = str(told.value)
    assert "AWS does not answer" in said
    assert f"of the load balancer prod-brightwater in {CELL.name} can't be switched off" in said
    assert f"in account {CELL.account}: `aws elbv2 modify-load-balancer-attributes" in said
    assert "Key=deletion_protection.enabled,Value=false" in said
