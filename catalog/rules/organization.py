"""Rules for organization.yaml: accounts, tags, office networks and the SAML metadata."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING, Any

from catalog.source import MAXIMUM_BYTES

if TYPE_CHECKING:
    from catalog.document import Location
    from catalog.draft import Draft, Entry
    from catalog.organization import Organization

DERIVED_TAGS = ("organization", "environment", "cell", "tenant", "owner", "cost-centre")
SAML = "{urn:oasis:names:tc:SAML:2.0:metadata}"


def accounts_are_separate(_draft: Draft, entry: Entry[Organization]) -> None:
    """No two duties share an AWS account: the account is the strongest wall there is."""
    seen: dict[str, str] = {}
    for field, account in entry.model.accounts:
        if account in seen:
            entry.fault(
                "shared-account",
                ("accounts", field),
                f"`{field}` shares its account with `{seen[account]}`",
                given=account,
                allowed="an account of its own for each",
                remedy="create another account in AWS Organizations and write its id",
            )
        seen.setdefault(account, field)


def tags_are_not_derived(_draft: Draft, entry: Entry[Organization]) -> None:
    """No tag has a key that every stack derives anyway."""
    for key, value in entry.model.tags.items():
        if key in DERIVED_TAGS:
            entry.fault(
                "reserved-tag",
                ("tags", key),
                f"the tag `{key}` is derived from the catalog",
                given=value,
                allowed=f"any key but {', '.join(DERIVED_TAGS)}",
                remedy="remove it, or use another key",
                key=True,
            )


def images_have_a_signer(draft: Draft, entry: Entry[Organization]) -> None:
    """Somebody is named who signs each of the platform's own images."""
    for field, image in entry.model.images:
        check_signer(draft, entry, ("images", field), image)


def check_signer(draft: Draft, entry: Entry[Any], location: Location, image: str) -> None:
    """An image that nobody signs would be denied by every cell."""
    signers = getattr(draft.organization.model, "signers", None)
    prefix = image.partition("/")[0]
    if signers is not None and prefix not in signers:
        entry.fault(
            "unknown-signer",
            location,
            "nobody signs this image, so that no cell would run it",
            given=image.partition("@")[0],
            allowed=", ".join(f"{each}/..." for each in signers),
            remedy=f"correct its path, or say in `signers` of organization.yaml who signs {prefix}",
        )


def saml_metadata_is_there(draft: Draft, entry: Entry[Organization]) -> None:
    """The SAML metadata is a real file in the catalog and describes an identity provider."""
    file = entry.model.identity_provider.saml_metadata
    problem = _saml_problem(draft, file)
    if problem:
        entry.fault(
            "saml-metadata",
            ("identity_provider", "saml_metadata"),
            f"`saml_metadata` {problem}",
            given=file,
            allowed="a file beside organization.yaml with an IDPSSODescriptor and a certificate",
            remedy="download the metadata from Google's SAML app for the VPN and save it there",
        )


def _saml_problem(draft: Draft, file: str) -> str:
    path = draft.root / file
    if file.startswith("/") or ".." in file.split("/"):
        return "points outside the catalog"
    if path.is_symlink() or not path.is_file():
        return "names a file that is not there"
    if path.stat().st_size > MAXIMUM_BYTES:
        return "names a file that is too large"
    data = path.read_bytes()
    if b"<!" in data.replace(b"<!--", b""):
        return "names a file with a document type, which SAML forbids"
    try:
        # Without a document type there are no entities, and so nothing that could expand.
        root = ElementTree.fromstring(data)  # noqa: S314
    except (ElementTree.ParseError, ValueError) as error:
        return f"names a file that is not XML ({error})"
    provider = root.find(f"{SAML}IDPSSODescriptor")
    if root.tag != f"{SAML}EntityDescriptor" or provider is None:
        return "names a file that describes no identity provider"
    if provider.find(f"{SAML}SingleSignOnService") is None:
        return "names a file without a single sign-on service"
    if not any(node.tag.endswith("}X509Certificate") for node in provider.iter()):
        return "names a file without a certificate"
    return ""


RULES = (
    accounts_are_separate,
    tags_are_not_derived,
    saml_metadata_is_there,
    images_have_a_signer,
)
