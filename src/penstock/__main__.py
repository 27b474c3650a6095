"""`python -m penstock` is `penstock`."""

import sys

from penstock.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
