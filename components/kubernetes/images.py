"""Images and charts of the platform's own parts, pinned, all in the organization's registry."""

from __future__ import annotations

from typing import Literal

Part = Literal["pgbouncer", "postgresql-client", "aws-cli", "pause"]

_DIGESTS: dict[Part, str] = {
    "pgbouncer": "sha256:6c1d7e1b54f0c5b9d4a3c20b1f7a1e1c9c9f4f3f0f8a0c6b7f5e2d9a4b3c8e71",
    "postgresql-client": "sha256:b1f9a2c07d3e4855a6f18cc2970be4d3351f6e0aa84c72d95be60317f2c8da49",
    "aws-cli": "sha256:0e5d3a97c4b218f66d9a7350be12fc84a1d07936e5c28fb40a6d91e73cb25f18",
    "pause": "sha256:ee6521f290b2168b6e0935a181d4cff9be1ac3f505666ef0e3c98fae8199917a",
}
"""Digests of the mirrored images. `pgbouncer` (1.23 or later, with a shell) and
`postgresql-client` are the organization's own builds, as they carry Amazon's CA bundle."""

CA_BUNDLE = "/etc/ssl/certs/rds-global-bundle.pem"
"""Where those two images hold the certificate authorities that sign RDS servers."""

LOAD_BALANCER_CONTROLLER_CHART = "1.13.4"
LOAD_BALANCER_CONTROLLER_IMAGE_TAG = "v2.13.4"
KARPENTER_CHART = "1.11.1"


def image(registry: str, part: Part) -> str:
    """The image of one of the platform's parts, by digest."""
    return f"{registry}/mirror/{part}@{_DIGESTS[part]}"


def chart(registry: str, name: str) -> str:
    """The address of a chart; its version is given beside it."""
    return f"oci://{registry}/charts/{name}"
