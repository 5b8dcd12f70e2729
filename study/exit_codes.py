"""Exit statuses of `hpo` and `hpo-worker`, as Kubernetes' podFailurePolicy will read them."""

DONE = 0  # the budget is spent, or the verb did what it says
FAILED = 1  # a bug, or a verb that found nothing to do its work on
USAGE = 2  # configuration, data or database: trying again as it is will not help
BROKEN_DEVICE = 3  # this machine's accelerator is gone; the trial is adopted elsewhere
INTERRUPTED = 130  # Ctrl-C
PREEMPTED = 143  # SIGTERM: checkpointed and released

LEFT = (DONE, INTERRUPTED, PREEMPTED, -15)
"""Of a worker that went as it should (the last: SIGTERM before it could listen)."""
