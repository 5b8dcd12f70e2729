"""The restricted Pod Security Standard, as a function of a pod's spec.

Written from https://kubernetes.io/docs/concepts/security/pod-security-standards/ (both levels,
Baseline and Restricted, for Linux pods).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"),
    *("projected", "secret"),
}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
}


def violations(spec: dict[str, Any]) -> Iterator[str]:
    """What the standard forbids in a pod's spec."""
    context = spec.get("securityContext", {})
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    for volume in spec.get("volumes", ()):
        kinds = set(volume) - {"name"}
        if not kinds <= VOLUMES:
            yield f"volume {volume['name']}: {kinds}"
    if not {sysctl["name"] for sysctl in context.get("sysctls", ())} <= SYSCTLS:
        yield "sysctls"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    for container in [
        *spec.get("initContainers", ()),
        *spec["containers"],
        *spec.get("ephemeralContainers", ()),
    ]:
        for broken in _of_container(container, context):
            yield f"container {container['name']}: {broken}"


def _of_container(container: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext", {})
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation must be false"
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot must be true"
    if own.get("runAsUser", pod.get("runAsUser")) == 0:
        yield "runAsUser must not be 0"
    profile = own.get("seccompProfile", pod.get("seccompProfile", {})).get("type")
    if profile not in ("RuntimeDefault", "Localhost"):
        yield f"seccompProfile {profile}"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield "capabilities must drop ALL"
    if not set(capabilities.get("add", ())) <= {"NET_BIND_SERVICE"}:
        yield "capabilities may add NET_BIND_SERVICE alone"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "hostPort"
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    for options in (own.get("seLinuxOptions", {}), pod.get("seLinuxOptions", {})):
        if options.get("user") or options.get("role"):
            yield "seLinuxOptions"
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        for way in ("httpGet", "tcpSocket"):
            if container.get(probe, {}).get(way, {}).get("host"):
                yield f"{probe} host"
