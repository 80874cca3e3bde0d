"""`python -m mitate.server`: what `mitate serve` runs."""

import logging
import os
import sys

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # errors are told by this program itself

from mitate.server.main import main


def _leave(code: int) -> None:
    """End the process at once: taking compiled kernels apart piece by piece takes seconds."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main(sys.argv[1:]))
