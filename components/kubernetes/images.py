"""Charts of the platform's own parts, pinned, and what its images hold where."""

from __future__ import annotations

CA_BUNDLE = "/etc/ssl/certs/rds-global-bundle.pem"
"""Where the images of PgBouncer and of PostgreSQL's client hold the certificate authorities that
sign RDS servers."""

LOAD_BALANCER_CONTROLLER_CHART = "1.13.4"
LOAD_BALANCER_CONTROLLER_IMAGE_TAG = "v2.13.4"
KARPENTER_CHART = "1.11.1"
POLICY_CONTROLLER_CHART = "0.10.8"
POLICY_CONTROLLER_IMAGE_TAG = "v0.13.1"
KUBECTL_IMAGE_TAG = "1.34.1"


def chart(registry: str, name: str) -> str:
    """The address of a chart; its version is given beside it."""
    return f"oci://{registry}/charts/{name}"
