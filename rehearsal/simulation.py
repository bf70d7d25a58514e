"""Answers for what nothing on this machine can run: ids and ARNs that others accept as such."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rehearsal.offline import OfflineAnswers
from rehearsal.providers import account_of

if TYPE_CHECKING:
    from rehearsal.graph import Resource


class SimulatedAnswers(OfflineAnswers):
    """The same ids in every rehearsal, in the form that drivers of other resources take.

    A placeholder would do in a report, but the real parts of the local cloud refuse a policy whose
    resource is no ARN.
    """

    def _placeholder(self, resource: Resource, name: str) -> str:
        token = f"simulated-{hashlib.sha256(f'{resource.urn} {name}'.encode()).hexdigest()[:12]}"
        if not name.lower().endswith("arn"):
            return token
        settings = self._providers.get(resource.provider or "", {})
        service = resource.type.split(":")[1].split("/")[0]
        region, account = settings.get("region", ""), account_of(settings) or ""
        return f"arn:aws:{service}:{region}:{account}:{resource.short_type.lower()}/{token}"
