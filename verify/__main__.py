"""`python -m verify` is the command `orbitgap`."""

import sys

from verify.cli import main

sys.exit(main())
