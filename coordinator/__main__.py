"""`python -m coordinator` is `hpo`."""

from coordinator.cli import main

if __name__ == "__main__":
    main()
