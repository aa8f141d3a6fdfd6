"""What the tests of the metrics share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # squares.py, damage.py
