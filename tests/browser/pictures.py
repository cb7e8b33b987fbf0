"""The pictures of the documentation, out of those that the last run of this suite has kept.

`python -m pytest tests/browser && python -m tests.browser.pictures`
"""

# ruff: noqa: T201  (a command prints)
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
# Name in docs/images -> name in var/screens.
USED = {
    "list-news": "news-1400-light",
    "list-phone": "news-390-dark",
    "save-view": "save-view-1400-light",
    "bulk-results": "bulk-results-1400-light",
    "keys": "keys-1400-light",
    "page-link": "page-link-390-light",
    "tighten-draft": "tighten-draft",
    "tighten-difference": "tighten-difference",
    "tighten-backtest": "tighten-backtest",
    "tighten-approve": "tighten-approve",
    "tighten-why": "tighten-why",
}


def main() -> int:
    """Copy them; 1 where the suite has not made one."""
    screens = Path(os.environ.get("WATCHBILL_VAR", ROOT / "var")) / "screens"
    missing = [name for name in USED.values() if not (screens / f"{name}.png").exists()]
    if missing:
        print(f"Not in {screens}: {', '.join(missing)}. Run tests/browser first.")
        return 1
    for image, screen in USED.items():
        shutil.copyfile(screens / f"{screen}.png", IMAGES / f"{image}.png")
    print(f"{len(USED)} pictures are in {IMAGES.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
