"""A role with one inline policy or one of AWS's own, and what may take it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from bootstrap.piece import Document, same, text

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY = "bootstrap"
"""The name of the inline policy."""


@dataclass(frozen=True)
class Role:
    """A role of one account."""

    name: str
    description: str
    trust: Document
    client: Callable[[str, str], Any]
    region: str
    """Any region: IAM has none, but a client has."""
    inline: Document | None = None
    managed: str | None = None
    """The ARN of a managed policy."""

    @property
    def title(self) -> str:
        """What it is."""
        return f"the role {self.name}"

    def differences(self) -> list[str]:
        """What is missing or differs."""
        found = self._read()
        if found is None:
            return [f"no role {self.name}"]
        differing = []
        if not same(_decoded(found["AssumeRolePolicyDocument"]), self.trust):
            differing.append(f"{self.name} trusts others than it should")
        if self.inline is not None and not same(self._inline(), self.inline):
            differing.append(f"the rights of {self.name} differ")
        if self.managed is not None and self.managed not in self._attached():
            differing.append(f"{self.name} lacks {self.managed.rpartition('/')[2]}")
        return differing

    def make(self) -> None:
        """Create the role where it is missing, and set what differs."""
        found = self._read()
        if found is None:
            self._iam.create_role(
                RoleName=self.name,
                Description=self.description,
                AssumeRolePolicyDocument=text(self.trust),
                MaxSessionDuration=3600,
            )
        elif not same(_decoded(found["AssumeRolePolicyDocument"]), self.trust):
            self._iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=text(self.trust))
        if self.inline is not None and not same(self._inline(), self.inline):
            self._iam.put_role_policy(
                RoleName=self.name, PolicyName=POLICY, PolicyDocument=text(self.inline)
            )
        if self.managed is not None and self.managed not in self._attached():
            self._iam.attach_role_policy(RoleName=self.name, PolicyArn=self.managed)

    def _read(self) -> Document | None:
        try:
            return dict(self._iam.get_role(RoleName=self.name)["Role"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return None
            raise

    def _inline(self) -> Document | None:
        try:
            found = self._iam.get_role_policy(RoleName=self.name, PolicyName=POLICY)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return None
            raise
        return _decoded(found["PolicyDocument"])

    def _attached(self) -> set[str]:
        pages = self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=self.name)
        return {each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]}

    @property
    def _iam(self) -> Any:
        return self.client("iam", self.region)


def _decoded(given: str | Document) -> Document:
    return given if isinstance(given, dict) else dict(json.loads(unquote(given)))
