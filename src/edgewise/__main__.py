"""`python -m edgewise COMMAND ...`."""

import sys

from edgewise.cli.main import main

sys.exit(main())
