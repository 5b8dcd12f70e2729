"""Imported by the fork server after all else: what it has imported by now is left alone by the
garbage collectors of the processes it forks.

Every full collection would look at it, in vain, for 0.4 s, and by looking at it make 110 MiB of
shared memory the process's own (https://docs.python.org/3/library/gc.html#gc.freeze). Knows nothing
of what was imported.
"""

from __future__ import annotations

import gc

gc.freeze()
