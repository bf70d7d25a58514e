"""TLS certificates that DNS proves and renews without anyone's help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_HOSTNAME_LIMIT = 64
"""ACM writes the first hostname into the certificate's common name, which X.509 limits to 64."""
PROOF_TTL_SECONDS = 300


class Certificate(pulumi.ComponentResource):
    """A certificate for some hostnames, usable once this component is.

    `zone_provider` writes the proofs, since the zone may belong to another account. Raises
    ValueError for no hostname, a repeated one, or a first one of more than 64 characters.
    """

    certificate_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        hostnames: tuple[str, ...],
        zone_id: pulumi.Input[str],
        zone_provider: aws.Provider,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Certificate", name, None, opts)
        _check(hostnames)
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=hostnames[0],
            subject_alternative_names=list(hostnames[1:]) or None,
            validation_method="DNS",
            # Client VPN endpoints take no elliptic curves.
            key_algorithm="RSA_2048",
            options={"certificate_transparency_logging_preference": "ENABLED"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        proofs = [
            self._proof(name, certificate, hostname, zone_id, zone_provider)
            for hostname in proved_hostnames(hostnames)
        ]
        validation = aws.acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[proof.fqdn for proof in proofs],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.certificate_arn = validation.certificate_arn
        self.register_outputs({"certificate_arn": self.certificate_arn})

    def _proof(
        self,
        name: str,
        certificate: aws.acm.Certificate,
        hostname: str,
        zone_id: pulumi.Input[str],
        zone_provider: aws.Provider,
    ) -> aws.route53.Record:
        proof = certificate.domain_validation_options.apply(
            lambda options: _proof_of(hostname, options)
        )
        return aws.route53.Record(
            f"{name}-proof-{hostname}",
            zone_id=zone_id,
            name=proof["name"],
            # Never another type; and a provider that plans without the answer plans a valid record.
            type="CNAME",
            records=[proof["value"]],
            ttl=PROOF_TTL_SECONDS,
            # A hostname has one proof in all certificates of an account, whatever their region. So
            # it may be there already, and it stays: another certificate may still renew by it.
            allow_overwrite=True,
            opts=pulumi.ResourceOptions(parent=self, provider=zone_provider, retain_on_delete=True),
        )


def proved_hostnames(hostnames: tuple[str, ...]) -> tuple[str, ...]:
    """The hostnames that need a proof of their own, in order: a wildcard shares its parent's."""
    return tuple(dict.fromkeys(hostname.removeprefix("*.") for hostname in hostnames))


def _check(hostnames: tuple[str, ...]) -> None:
    if not hostnames:
        raise ValueError("a certificate needs at least one hostname; none was given")
    repeated = sorted({name for name in hostnames if hostnames.count(name) > 1})
    if repeated:
        raise ValueError(f"hostnames are given more than once: {', '.join(repeated)}")
    if len(hostnames[0]) > FIRST_HOSTNAME_LIMIT:
        raise ValueError(
            f"{hostnames[0]} has {len(hostnames[0])} characters; a certificate's first hostname "
            f"has at most {FIRST_HOSTNAME_LIMIT}: put a shorter one first"
        )


def _proof_of(
    hostname: str, options: Sequence[aws.acm.outputs.CertificateDomainValidationOption]
) -> dict[str, str]:
    """The record that ACM asks for a hostname; it lists them in no order."""
    for option in options:
        if (option.domain_name or "").removeprefix("*.") == hostname:
            return {
                "name": option.resource_record_name or "",
                "value": option.resource_record_value or "",
            }
    raise ValueError(f"the certificate asks for no proof of {hostname}")
