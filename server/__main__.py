"""`python -m mitate.server`: what `mitate serve` runs."""

import os
import sys

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # errors are told by this program itself

from mitate.server.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
