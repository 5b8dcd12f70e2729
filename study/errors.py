"""Everything that goes wrong on purpose.

HpoError                      the root; its message is meant for the person at the terminal
├── UsageError                what was asked for cannot be done: exit status 2, nothing half written
│   ├── ConfigError           a configuration file or override breaks a rule
│   ├── DataError             the pictures are missing, unreadable or cannot be split as asked
│   ├── ModelError            no such model, or its trained weights are missing or another's
│   ├── StudyNotFound         no study of that name
│   ├── StudyExists           a study of that name has another configuration
│   ├── DatabaseUnreachable   PostgreSQL did not answer; the password is never named
│   └── DatabaseRefused       PostgreSQL answered, and will say the same the next time
├── LeaseLost                 another worker holds the trial now: drop it without writing
├── CheckpointCorrupt         a checkpoint's bytes do not match its checksum
└── TrialFailure              a trial ended badly; see worker/failures.py for what follows from each
    ├── OutOfMemory
    ├── Diverged
    ├── Infeasible
    ├── BadData
    ├── BrokenDevice
    └── ObjectStoreAway       the store behind HPO_ARTIFACTS_URL or HPO_DATA_URL did not answer
"""

from __future__ import annotations


def one_line(text: str) -> str:
    """The text with line breaks and whatever else cannot be shown as a terminal's escapes: a file
    may be named anything, and an error is one line."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def of_the_disk(error: OSError) -> UsageError | None:
    """What a person can do something about: a place that is full, read-only, missing or not
    allowed. None for other errors of the operating system."""
    if error.filename is None:
        return None
    return UsageError(one_line(f"{error.filename}: {error.strerror}"))


class HpoError(Exception):
    """something went wrong"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class UsageError(HpoError):
    """what was asked for cannot be done"""


class ConfigError(UsageError):
    """the configuration breaks a rule"""


class DataError(UsageError):
    """the data set cannot be used"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message and one_line(message))


class ModelError(UsageError):
    """the model cannot be used"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message and one_line(message))


class StudyNotFound(UsageError):  # noqa: N818 - the tree above reads as sentences
    """there is no study of that name"""


class StudyExists(UsageError):  # noqa: N818
    """a study of that name has another configuration"""


class DatabaseUnreachable(UsageError):  # noqa: N818
    """the database did not answer"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message and one_line(message))


class DatabaseRefused(UsageError):  # noqa: N818
    """the database does not let this user in"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message and one_line(message))


class LeaseLost(HpoError):  # noqa: N818
    """the trial is leased to another worker"""


class CheckpointCorrupt(HpoError):  # noqa: N818
    """the checkpoint does not match its checksum"""


class TrialFailure(HpoError):  # noqa: N818
    """the trial failed"""


class OutOfMemory(TrialFailure):
    """the trial does not fit into the device's memory"""


class Diverged(TrialFailure):
    """the loss is no longer finite"""


class Infeasible(TrialFailure):
    """the parameters cannot be built into a model"""


class BadData(TrialFailure):
    """the packed data set cannot be read"""


class BrokenDevice(TrialFailure):
    """the accelerator does not answer"""


class ObjectStoreAway(TrialFailure):
    """the object store did not answer"""
