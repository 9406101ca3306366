"""``python -m alignment_toolkit.simulation data/sample`` writes the committed sample once more."""

from __future__ import annotations

import sys

from alignment_toolkit.simulation.sample import write_sample

if __name__ == "__main__":
    arguments = [each for each in sys.argv[1:] if each != "--sample"]
    write_sample(arguments[0] if arguments else "data/sample")
