"""What whoever verifies images may read of the organization's registry: images and signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catalog.organization import Organization


def image_reading_statements(organization: Organization) -> list[dict[str, Any]]:
    """Statements for pulling any image of the organization's registry, and of no other."""
    place = f"{organization.home_region}:{organization.accounts.management}"
    return [
        {
            "Sid": "LogInToRegistries",
            "Effect": "Allow",
            "Action": "ecr:GetAuthorizationToken",
            "Resource": "*",
        },
        {
            "Sid": "ReadImagesAndSignatures",
            "Effect": "Allow",
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Resource": f"arn:aws:ecr:{place}:repository/*",
        },
    ]
