"""`python -m worker` is `hpo-worker`."""

from worker.cli import main

if __name__ == "__main__":
    main()
