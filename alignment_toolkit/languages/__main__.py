"""Writes a language's file: every message, those already translated kept, the new ones empty.

``python -m alignment_toolkit.languages fr`` begins ``fr.po`` or brings it up to date, and says what is still open.
"""

from __future__ import annotations

import sys

from alignment_toolkit.languages.filing import renew

if __name__ == "__main__":
    sys.stdout.write(renew(*sys.argv[1:2] or ("de",)) + "\n")
