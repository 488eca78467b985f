"""The files that a rule looks at, read once."""

import ast
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """Something to change: the file from the root, the line, what to do."""

    path: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.says}"


@dataclass(frozen=True)
class Source:
    """One text file. `path` is from the root, with slashes."""

    path: str
    text: str

    @property
    def folder(self) -> str:
        """The folder that the file lies in."""
        return self.path.rpartition("/")[0]

    @cached_property
    def module(self) -> ast.Module:
        """The parsed Python file."""
        return ast.parse(self.text)


@dataclass(frozen=True)
class Tree:
    """All text files that git knows or would take."""

    files: tuple[Source, ...] = field(default=())

    @classmethod
    def of(cls, root: Path) -> "Tree":
        """The files of a checkout; those that are no text are left out."""
        command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = []
        for path in sorted(set(filter(None, listed.split("\0")))):
            try:
                found.append(Source(path, (root / path).read_text(encoding="utf-8")))
            except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
                continue
        return cls(tuple(found))

    def python(self, *prefixes: str) -> list[Source]:
        """Python files below these folders; all without any."""
        return [one for one in self.files if one.path.endswith(".py") and one.path.startswith(prefixes or "")]


def docstrings_of(module: ast.Module) -> set[int]:
    """Identities of the constants that are docstrings or stand as text of an attribute."""
    return {
        id(node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
