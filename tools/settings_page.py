"""Writes `docs/settings.md` from the code: `PYTHONPATH=src python -m tools.settings_page`."""

from pathlib import Path

from careloop.settings import settings_page

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
