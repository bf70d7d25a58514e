"""The cell's default storage class: encrypted gp3 volumes in the pod's own zone."""

from __future__ import annotations

import pulumi

from components.children import child_options
from components.kubernetes.objects import KubernetesObject

NAME = "gp3-encrypted"


class StorageClass(pulumi.ComponentResource):
    """Volumes of the EBS driver, encrypted with the cell's key, made where the pod is scheduled."""

    storage_class_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the class and make it the default."""
        super().__init__("patchworks:kubernetes:StorageClass", name, None, opts)
        made = KubernetesObject(
            f"{name}-gp3",
            "storage.k8s.io/v1",
            "StorageClass",
            metadata={
                "name": NAME,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            fields={
                "provisioner": "ebs.csi.aws.com",
                "parameters": {"type": "gp3", "encrypted": "true", "kmsKeyId": key_arn},
                "volumeBindingMode": "WaitForFirstConsumer",
                "allowVolumeExpansion": True,
                # A deleted claim may be a mistake; the volume is data and outlives it.
                "reclaimPolicy": "Retain",
            },
            opts=child_options(self, opts),
        )
        self.storage_class_name = made.object_name
        self.register_outputs({"storage_class_name": self.storage_class_name})
