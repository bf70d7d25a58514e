"""Says of an error of AWS's SDK what it means and what to do, where it would end a command.

What fails in a way that a caller knows is caught there; everything else comes here.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from botocore import exceptions as sdk
from botocore.exceptions import BotoCoreError, ClientError

from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Iterator

TAKE = "take the role tenant-mover of the cell's environment"
AGAIN = "run the same command again"
LONGEST = 400
"""Characters of what AWS said: a proxy may answer with a page."""

_NOBODY = (
    *(sdk.NoCredentialsError, sdk.PartialCredentialsError, sdk.CredentialRetrievalError),
    *(sdk.NoAuthTokenError, sdk.TokenRetrievalError, sdk.SSOError, sdk.LoginError),
    *(sdk.ProfileNotFound, sdk.ConfigNotFound, sdk.ConfigParseError, sdk.InvalidConfigError),
    *(sdk.MetadataRetrievalError, sdk.RefreshWithMFAUnsupportedError, sdk.UnknownCredentialError),
)
_UNANSWERED = (sdk.ConnectionError, sdk.HTTPClientError)

# Services word the same differently. Sources: the pages "Common errors" of STS, DynamoDB and EKS,
# and "Error responses" of S3.
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_NOT_TAKEN = {
    *("AuthFailure", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId"),
    *("InvalidToken", "InvalidSignatureException", "MissingAuthenticationToken"),
    *("SignatureDoesNotMatch", "UnrecognizedClientException"),
}
_DENIED = {
    *("AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation"),
    *("UnauthorizedAccess", "KMSAccessDeniedException", "403"),
}
_WITH_LOGIN = re.compile(r"//[^/@\s\"]*@")


class CredentialsError(MoveError):
    """AWS does not know who asks, or the role at hand may not do what was asked."""


class CloudError(MoveError):
    """AWS does not answer, or refuses for another reason."""


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Raise `CredentialsError` or `CloudError` in place of what the SDK raises."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise fault(error) from error


def fault(error: BotoCoreError | ClientError) -> MoveError:
    """The error of a move that one of the SDK's means."""
    said = _WITH_LOGIN.sub("//", " ".join(str(error).split()))[:LONGEST] or type(error).__name__
    if isinstance(error, ClientError):
        return _refused(error, said)
    if isinstance(error, _NOBODY):
        return CredentialsError(
            f"there are no AWS credentials that can be used: {said}", remedy=f"{TAKE}, and {AGAIN}"
        )
    if isinstance(error, _UNANSWERED):
        return CloudError(
            f"AWS does not answer: {said}",
            remedy=f"see to the way there, such as the proxy and the region's health, and {AGAIN}",
        )
    return CloudError(f"AWS can't be asked: {said}", remedy=f"mend that, and {AGAIN}")


def _refused(error: ClientError, said: str) -> MoveError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    # The answer to HEAD has no body that would say more.
    if code in _EXPIRED or (code == "400" and error.operation_name.startswith("Head")):
        return CredentialsError(
            f"AWS does not take the credentials at hand any more: {said}",
            remedy=f"they have expired: take the role anew, and {AGAIN}",
        )
    if code in _NOT_TAKEN:
        return CredentialsError(
            f"AWS does not take the credentials at hand: {said}", remedy=f"{TAKE}, and {AGAIN}"
        )
    if code in _DENIED:
        return CredentialsError(
            f"the role at hand may not do that: {said}",
            remedy=f"{TAKE}, as the organization's stack declares it, and {AGAIN}",
        )
    return CloudError(f"AWS refuses: {said}", remedy=f"mend that, and {AGAIN}")
