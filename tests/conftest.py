"""What every test may use."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # tests share helpers: `from support import …`
# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("rixin", deadline=None)
settings.load_profile("rixin")
