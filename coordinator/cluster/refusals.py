"""What a cluster's answer means for a person, in one line.

ClusterError                 the cluster did not do what was asked; exit status 2
├── ClusterUnreachable       nothing answers, or nothing says where the cluster is
├── NotLoggedIn              401: the credentials have expired or are wrong
├── Forbidden                403: rights are missing, or a quota or pod security refuses
├── NotFound                 404
├── Exists                   409 to a creation
├── Conflict                 409 to a change: somebody else was faster; read again
├── Invalid                  400, 422: what was sent breaks a rule
├── Expired                  410: a watch from too far back; list again
└── Trouble                  429, 5xx after patience has run out

Tokens are in no message. Knows nothing of how the answer came (api.py).
"""

from __future__ import annotations

import json
import re
from typing import Any

from study.errors import UsageError, one_line

RETRIED = (429, 500, 502, 503, 504)  # statuses that may pass by themselves
UNKNOWN_GROUP = "404 page not found"  # an API server's answer where the resource is not installed
ALONE = "to run on this machine alone: make submit STUDY=... BACKEND=local"


class ClusterError(UsageError):
    """the cluster did not do what was asked"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message and one_line(message))


class ClusterUnreachable(ClusterError):  # noqa: N818 - the tree above reads as sentences
    """no cluster answers"""


class NotLoggedIn(ClusterError):  # noqa: N818
    """the cluster does not know these credentials"""


class Forbidden(ClusterError):  # noqa: N818
    """the cluster forbids it"""


class NotFound(ClusterError):  # noqa: N818
    """there is no such object"""


class Exists(ClusterError):  # noqa: N818
    """there is one of that name"""


class Conflict(ClusterError):  # noqa: N818
    """somebody else has changed it"""


class Invalid(ClusterError):  # noqa: N818
    """the cluster refuses what was sent"""


class Expired(ClusterError):  # noqa: N818
    """the watch begins too far back"""


class Trouble(ClusterError):  # noqa: N818
    """the cluster is in trouble"""


def is_cluster_outage(error: BaseException) -> bool:
    """Whether trying again later, with nothing changed here, can help."""
    return isinstance(error, (ClusterUnreachable, NotLoggedIn, Trouble, Expired))


def refusal(status: int, body: bytes, *, verb: str, what: str, host: str) -> ClusterError:
    """The error of an answer that is not 2xx. verb: get, list, create, ...; what: the object asked
    for, `jobs/worker-birds in namespace hpo`."""
    answer = _parsed(body)
    reason, said = str(answer.get("reason", "")), str(answer.get("message", ""))
    if status == 401:
        return NotLoggedIn(
            f"the cluster at {host} does not accept these credentials (401): they have expired or "
            "are wrong; log in again, or name another file with KUBECONFIG=..."
        )
    if status == 403:
        return Forbidden(_forbidden(said, verb, what))
    if status == 404 and not answer.get("status") and said != UNKNOWN_GROUP:
        return not_a_cluster(host)
    kinds: dict[int, type[ClusterError]] = {
        400: Invalid,
        404: NotFound,
        409: Exists if reason == "AlreadyExists" else Conflict,
        410: Expired,
        422: Invalid,
    }
    kind = kinds.get(status, Trouble)
    return kind(f"cannot {verb} {what}: {said or 'the cluster gave no reason'} ({status})")


def not_a_cluster(host: str) -> ClusterUnreachable:
    """The error of an answer that no API server gives: a proxy's, a login page's."""
    return ClusterUnreachable(
        f"what answers at {host} is not a Kubernetes API server; name another cluster's file with "
        "KUBECONFIG=..."
    )


def _forbidden(said: str, verb: str, what: str) -> str:
    """A missing right names itself in the message; a quota and pod security are 403 too."""
    if "exceeded quota" in said:
        return f"cannot {verb} {what}: {said}; ask for less, or free some of the quota"
    if re.search(r"cannot \w+ resource", said):
        return (
            f"cannot {verb} {what}: {said}; ask who administers the namespace for the right to "
            f"{verb} {what.partition('/')[0].partition(' ')[0]} (the role `edit` has it)"
        )
    return f"cannot {verb} {what}: {said or 'forbidden'} (403)"


def _parsed(body: bytes) -> dict[str, Any]:
    """A Status object; a proxy on the way may have answered anything."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {"message": body[:200].decode(errors="replace").strip()}
    return parsed if isinstance(parsed, dict) else {}
