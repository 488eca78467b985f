"""What an installation may choose: from environment variables `CARELOOP_*`, else a TOML file, else the default.

`docs/settings.md` is generated from this module by `tools/settings_page.py`.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from careloop.errors import ContentError, Fault

_PREFIX = "CARELOOP_"


def default_data_dir() -> Path:
    """`~/.local/share/careloop`; without a home folder `/var/lib/careloop`."""
    try:
        return Path.home() / ".local" / "share" / "careloop"
    except RuntimeError:
        return Path("/var/lib/careloop")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings with their defaults. Sizes are in bytes, times in seconds."""

    data_dir: Annotated[Path, "Folder of this installation: embedded database, keys, demo sign-ins."] = field(
        default_factory=default_data_dir
    )
    database_url: Annotated[
        str | None, "A PostgreSQL server (15 or newer) in place of the embedded one; `DATABASE_URL` means the same."
    ] = None
    content_dir: Annotated[Path | None, "A site's own content files, added to ours or in place of them."] = None
    log_level: Annotated[str, "`debug`, `info`, `warning` or `error`."] = "info"
    pool_size: Annotated[int, "Database connections of the web process at most."] = 8
    worker_pool_size: Annotated[int, "Database connections of each other process at most."] = 4
    host: Annotated[str, "Address that the web server listens on."] = "127.0.0.1"
    port: Annotated[int, "Port of the web server."] = 8000
    metrics_port: Annotated[int | None, "Loopback port of `/metrics`; none: no metrics."] = None
    public_url: Annotated[str | None, "The address under which users reach the server, behind a proxy."] = None
    max_body_bytes: Annotated[int, "Largest request body that is read."] = 50_000_000
    mllp_host: Annotated[str, "Address that HL7v2 feeds listen on."] = "127.0.0.1"
    mllp_max_bytes: Annotated[int, "Largest HL7v2 message that is read."] = 10_000_000
    mllp_frame_seconds: Annotated[float, "How long an HL7v2 frame may stay unfinished."] = 30.0
    mllp_connections_per_address: Annotated[int, "HL7v2 connections from one address at most."] = 64
    session_idle_seconds: Annotated[int, "A staff session ends after this long without use."] = 900
    session_absolute_seconds: Annotated[int, "A staff session ends after this long in any case."] = 43_200

    smtp_host: Annotated[str | None, "Mail server that notices leave by; none: no e-mail is sent."] = None
    smtp_port: Annotated[int, "Port of the mail server."] = 587
    smtp_security: Annotated[str, "`starttls`, `tls`, or `none` (a mail server on this machine only)."] = "starttls"
    smtp_from: Annotated[str, "Address that our e-mail comes from."] = "careloop@localhost"
    smtp_user: Annotated[str, "Name to sign in to the mail server with; empty: no sign-in."] = ""
    smtp_password_file: Annotated[Path | None, "File that holds the password of that name."] = None

    @property
    def is_embedded(self) -> bool:
        """True when the product runs its own database server."""
        return self.database_url is None


def load_settings(
    config: Path | None = None, environment: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """The settings of this process: `overrides` that are not None, then the environment, then the file, then the
    defaults. Unknown names and values of the wrong kind are one `ContentError` that lists them all."""
    faults: list[Fault] = []
    raw = _read_file(config, faults) if config else {}
    raw |= _from_environment(os.environ if environment is None else environment)
    raw |= {name: value for name, value in overrides.items() if value is not None}
    kinds = get_type_hints(Settings)
    values = {}
    for name, value in raw.items():
        try:
            values[name] = _convert(kinds[name], value)
        except KeyError:
            faults.append(Fault(at=name, expected=f"one of the settings {', '.join(sorted(kinds))}"))
        except ValueError:
            faults.append(Fault(at=name, expected=f"a value of the kind {_kind_name(kinds[name])}"))
    if faults:
        raise ContentError(faults)
    return Settings(**values)


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment that gives a child process exactly these settings."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
    given.pop("DATABASE_URL", None)
    for name, value in vars(settings).items():
        if value is not None:
            given[f"{_PREFIX}{name.upper()}"] = str(value)
    given["PYTHONPATH"] = str(Path(__file__).parents[1])
    return given


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


def _convert(kind: Any, value: Any) -> Any:
    text = str(value)
    kinds = get_args(kind) or (kind,)
    if Path in kinds:
        return Path(text).expanduser().absolute()
    if bool in kinds:
        return _truth(text)
    for number in (int, float):
        if number in kinds:
            return number(text)
    return text


def _truth(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("not a truth value")


def _kind_name(kind: Any) -> str:
    return " or ".join(one.__name__ for one in get_args(kind) or (kind,) if one is not type(None))


def settings_page() -> str:
    """The page `docs/settings.md`: every setting, its variable, its default, what it does."""
    lines = [
        "# Settings",
        "",
        "Generated from `src/careloop/settings.py` by `tools/settings_page.py`. A command-line option wins over an",
        "environment variable, which wins over the TOML file (`--config`; its keys are the names in the first column).",
        "",
        "| name | variable | default | what |",
        "|---|---|---|---|",
    ]
    hints = get_type_hints(Settings, include_extras=True)
    for one in fields(Settings):
        shown = "~/.local/share/careloop" if one.name == "data_dir" else str(one.default)
        says = hints[one.name].__metadata__[0]
        lines.append(f"| `{one.name}` | `{_PREFIX}{one.name.upper()}` | `{shown}` | {says} |")
    return "\n".join(lines) + "\n"
