"""What lies beside a bench is imported by its name, as by a script of this folder: test folders are no packages."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
