"""``python -m alignment_toolkit`` is the command ``alignment``."""

from __future__ import annotations

import sys

from alignment_toolkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
