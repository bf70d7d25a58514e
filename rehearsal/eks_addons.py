"""The add-ons that pulumi-eks makes with a cluster, and their configuration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rehearsal.children import Child, Derived, UnsupportedInputError, Whole, key_of
from rehearsal.values import reveal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.children import Ref

ADDON_TYPE: Final = "aws:eks/addon:Addon"
_CNI_DEFAULTS: Final = {
    "WARM_ENI_TARGET": ("warmEniTarget", "1"),
    "AWS_VPC_K8S_CNI_LOGLEVEL": ("logLevel", "DEBUG"),
    "AWS_VPC_K8S_CNI_LOG_FILE": ("logFile", "/host/var/log/aws-routed-eni/ipamd.log"),
    "AWS_VPC_K8S_CNI_VETHPREFIX": ("vethPrefix", "eni"),
    "AWS_VPC_ENI_MTU": ("eniMtu", "9001"),
    "AWS_VPC_K8S_PLUGIN_LOG_LEVEL": ("pluginLogLevel", "DEBUG"),
    "AWS_VPC_K8S_PLUGIN_LOG_FILE": ("pluginLogFile", "/var/log/aws-routed-eni/plugin.log"),
    "ENABLE_POD_ENI": ("enablePodEni", "false"),
    "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": ("cniCustomNetworkCfg", "false"),
    "AWS_VPC_K8S_CNI_EXTERNALSNAT": ("externalSnat", "false"),
}
_CNI_OPTIONAL: Final = {
    "AWS_VPC_CNI_NODE_PORT_SUPPORT": "nodePortSupport",
    "WARM_IP_TARGET": "warmIpTarget",
    "WARM_PREFIX_TARGET": "warmPrefixTarget",
    "ENABLE_PREFIX_DELEGATION": "enablePrefixDelegation",
    "ENI_CONFIG_LABEL_DEF": "eniConfigLabelDef",
    "AWS_VPC_K8S_CNI_CONFIGURE_RPFILTER": "cniConfigureRpfilter",
}


def to_json(value: Any) -> str:
    """The compact JSON with sorted keys that the provider writes."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def managed(
    name: str, addon: str, options: Mapping[str, Any], cluster_name: Ref, tags: Any
) -> Child:
    """kube-proxy or CoreDNS as the cluster's options ask for it."""
    inputs = {
        "addonName": addon,
        "clusterName": cluster_name,
        "preserve": True,
        "resolveConflictsOnCreate": options.get("resolveConflictsOnCreate", "OVERWRITE"),
        "resolveConflictsOnUpdate": options.get("resolveConflictsOnUpdate", "OVERWRITE"),
    }
    # Without a version the provider asks AWS for the newest one, which only AWS can tell.
    if "version" in options:
        inputs["addonVersion"] = options["version"]
    if "configurationValues" in options:
        inputs["configurationValues"] = Derived((options["configurationValues"],), to_json)
    if tags is not None:
        inputs["tags"] = tags
    return Child(type=ADDON_TYPE, name=f"{name}-{addon}", inputs=inputs)


def vpc_cni(
    name: str,
    options: Mapping[str, Any],
    cluster_name: Ref,
    cluster_version: Any,
    tags: Any,
    depends_on: tuple[str, ...],
) -> tuple[Child, Child]:
    """The VPC CNI: a component of its own with the add-on below it."""
    if reveal(options.get("securityContextPrivileged")):
        raise UnsupportedInputError(
            "eks:index:Cluster",
            name,
            "vpcCniOptions.securityContextPrivileged",
            "Bottlerocket does not need it",
        )
    component_type = "eks:index:VpcCniAddon"
    addon_name = f"{name}-vpc-cni"
    tagged = {} if tags is None else {"tags": tags}
    component = Child(
        type=component_type,
        name=addon_name,
        custom=False,
        inputs={
            **options,
            "clusterName": cluster_name,
            "clusterVersion": cluster_version,
            **tagged,
        },
        outputs={"addon": Whole(key_of(ADDON_TYPE, addon_name))},
        depends_on=depends_on,
    )
    passed = {
        key: options[key] for key in ("addonVersion", "serviceAccountRoleArn") if key in options
    }
    addon = Child(
        type=ADDON_TYPE,
        name=addon_name,
        parent=component.key,
        inputs={
            "addonName": "vpc-cni",
            "clusterName": cluster_name,
            "configurationValues": Derived((dict(options),), cni_configuration),
            "preserve": True,
            "resolveConflictsOnCreate": options.get("resolveConflictsOnCreate", "OVERWRITE"),
            "resolveConflictsOnUpdate": options.get("resolveConflictsOnUpdate", "OVERWRITE"),
            **passed,
            **tagged,
        },
        depends_on=depends_on,
    )
    return component, addon


def cni_configuration(options: Mapping[str, Any]) -> str:
    """The VPC CNI's configuration as JSON; what is configured outright wins over the options."""
    env = {
        variable: _text(options.get(option)) or default
        for variable, (option, default) in _CNI_DEFAULTS.items()
    }
    env |= {
        variable: _text(options[option])
        for variable, option in _CNI_OPTIONAL.items()
        if options.get(option)
    }
    if not options.get("externalSnat") and options.get("cniExternalSnat"):
        env["AWS_VPC_K8S_CNI_EXTERNALSNAT"] = "true"
    init_env = {"DISABLE_TCP_EARLY_DEMUX": _text(options.get("disableTcpEarlyDemux", False))}
    values: dict[str, Any] = dict(options.get("configurationValues") or {})
    if "enableNetworkPolicy" in options:
        values.setdefault("enableNetworkPolicy", _text(options["enableNetworkPolicy"]))
    values["env"] = {**env, **values.get("env", {})}
    init = values.get("init", {})
    values["init"] = {**init, "env": {**init_env, **init.get("env", {})}}
    return to_json(values)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
