"""What an installation may choose: from environment variables `CARELOOP_*`, else a TOML file, else the default.

`docs/settings.md` is generated from this module (`python -m tools.settings_page`).
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from careloop.errors import ContentError, Fault

_PREFIX = "CARELOOP_"


def default_data_dir() -> Path:
    """`~/.local/share/careloop`; without a home folder `/var/lib/careloop`."""
    try:
        return Path.home() / ".local" / "share" / "careloop"
    except RuntimeError:
        return Path("/var/lib/careloop")


def _setting(default: Any, says: str) -> Any:
    if callable(default):
        return field(default_factory=default, metadata={"says": says})
    return field(default=default, metadata={"says": says})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings with their defaults. Sizes are in bytes, times in seconds."""

    data_dir: Path = _setting(default_data_dir, "Folder of this installation: embedded database, keys, demo sign-ins.")
    database_url: str | None = _setting(
        None, "A PostgreSQL server (15 or newer) to use instead of the embedded one; `DATABASE_URL` means the same."
    )
    content_dir: Path | None = _setting(None, "A site's own content files, added to ours or in place of them.")
    log_level: str = _setting("info", "`debug`, `info`, `warning` or `error`.")
    pool_size: int = _setting(8, "Database connections of the web process at most.")
    worker_pool_size: int = _setting(4, "Database connections of each other process at most.")
    worker_processes: int = _setting(1, "Worker processes that work through the inbox.")
    host: str = _setting("127.0.0.1", "Address that the web server listens on.")
    port: int = _setting(8000, "Port of the web server.")
    public_url: str | None = _setting(None, "The address under which users reach the server, where a proxy is in front.")
    max_body_bytes: int = _setting(50_000_000, "Largest request body that is read.")
    mllp_host: str = _setting("127.0.0.1", "Address that HL7v2 feeds listen on.")
    mllp_max_bytes: int = _setting(10_000_000, "Largest HL7v2 message that is read.")
    mllp_frame_seconds: float = _setting(30.0, "How long an HL7v2 frame may stay unfinished.")
    mllp_connections_per_address: int = _setting(64, "HL7v2 connections from one address at most.")
    session_idle_seconds: int = _setting(900, "A staff session ends after this long without use.")
    session_absolute_seconds: int = _setting(43_200, "A staff session ends after this long in any case.")
    insecure_cookies: bool = _setting(
        False, "Cookies without `Secure`, for plain http on another address than loopback. Only for trials."
    )

    @property
    def is_embedded(self) -> bool:
        """True when the product runs its own database server."""
        return self.database_url is None


def load_settings(
    config: Path | None = None, environment: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """The settings of this process: `overrides` that are not None, then the environment, then the file, then the
    defaults. Unknown names and values of the wrong kind are one `ContentError` that lists them all."""
    given = os.environ if environment is None else environment
    known = {one.name: one for one in fields(Settings)}
    raw: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in (_read_file(config, faults) if config else {}).items():
        raw[name] = value
    raw |= _from_environment(given)
    raw |= {name: value for name, value in overrides.items() if value is not None}
    values = {}
    for name, value in raw.items():
        if name not in known:
            faults.append(Fault(at=name, expected=f"one of the settings {', '.join(sorted(known))}"))
            continue
        try:
            values[name] = _convert(str(known[name].type), value)
        except ValueError:
            faults.append(Fault(at=name, expected=f"a value like {_example(known[name])}"))
    if faults:
        raise ContentError(faults)
    return Settings(**values)


def _from_environment(given: Mapping[str, str]) -> dict[str, str]:
    known = {one.name for one in fields(Settings)}
    found = {
        name[len(_PREFIX) :].lower(): value
        for name, value in given.items()
        if name.startswith(_PREFIX) and value and name[len(_PREFIX) :].lower() in known
    }
    if given.get("DATABASE_URL"):
        found.setdefault("database_url", given["DATABASE_URL"])
    return found


def _read_file(path: Path, faults: list[Fault]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        faults.append(Fault(at=str(path), expected="a readable TOML file"))
        return {}


def _convert(kind: str, value: Any) -> Any:
    text = str(value)
    if "Path" in kind:
        return Path(text).expanduser()
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    if kind == "bool":
        return _truth(text)
    return text


def _truth(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("not a truth value")


def _example(one: Field[Any]) -> str:
    return str(one.default) if one.default is not MISSING else str(one.type)


def settings_page() -> str:
    """The page `docs/settings.md`: every setting, its variable, its default, what it does."""
    lines = [
        "# Settings",
        "",
        "Generated from `src/careloop/settings.py`. An environment variable wins over the TOML file (`--config`), whose",
        "keys are the names in the first column; a command-line option wins over both.",
        "",
        "| name | variable | default | what |",
        "|---|---|---|---|",
    ]
    for one in fields(Settings):
        shown = "`~/.local/share/careloop`" if one.name == "data_dir" else f"`{one.default}`"
        lines.append(f"| `{one.name}` | `{_PREFIX}{one.name.upper()}` | {shown} | {one.metadata['says']} |")
    return "\n".join(lines) + "\n"
