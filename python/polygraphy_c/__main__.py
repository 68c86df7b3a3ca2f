"""python3 -m polygraphy_c run ..."""

import sys

from polygraphy_c.command import main

sys.exit(main())
