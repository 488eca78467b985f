"""The programs in `tools/` are no part of the product's package; tests find them from the root."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
