"""`python -m mitate.server`: what `mitate serve` runs."""

import sys

from mitate.server.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
