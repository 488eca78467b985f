"""Tokens to a tree, by precedence: `implies` binds least, then `or`, `and`, `in`, `=`, `<`, `|`, `is`, `+`, `*`."""

from collections.abc import Callable
from decimal import Decimal

from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.lexer import Token, tokens
from careloop.fhir.fhirpath.quantities import CALENDAR_UNITS, Quantity
from careloop.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    Field,
    Indexer,
    Invoke,
    Literal,
    Node,
    Special,
    TypeTest,
    Unary,
    Variable,
)
from careloop.fhir.fhirpath.temporal import Temporal

DEEPEST_NESTING = 60
"""Brackets within brackets, and operators within operators."""

LONGEST_CHAIN = 500
"""Steps of one path, or operators in one row."""

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset(["implies"]),
    frozenset(["or", "xor"]),
    frozenset(["and"]),
    frozenset(["in", "contains"]),
    frozenset(["=", "~", "!=", "!~"]),
    frozenset(["<", ">", "<=", ">="]),
    frozenset(["|"]),
    frozenset(["is", "as"]),
    frozenset(["+", "-", "&"]),
    frozenset(["*", "/", "div", "mod"]),
)
_LEVEL_OF = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}
_TYPE_LEVEL = 7
_KEYWORDS = frozenset(["and", "or", "xor", "implies", "div", "mod", "in", "is", "true", "false"])


def parse(text: str) -> Node:
    """The tree of an expression; `Rejected` with the place where it cannot be read."""
    parser = _Parser(tokens(text))
    node = parser.expression()
    parser.expect("end")
    return node


class _Parser:
    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._place = 0
        self._depth = 0
        self._literals: dict[str, Callable[[Token], Node]] = {
            "number": self._number,
            "long": lambda word: Literal(int(word.text[:-1])),
            "string": lambda word: Literal(word.text),
            "date": lambda word: Literal(_temporal("date", word)),
            "datetime": lambda word: Literal(_temporal("dateTime", word)),
            "time": lambda word: Literal(_temporal("time", word)),
            "special": lambda word: Special(word.text),
        }

    @property
    def _word(self) -> Token:
        return self._words[self._place]

    def _next(self) -> Token:
        word = self._words[self._place]
        self._place += 1
        return word

    def _is(self, text: str) -> bool:
        return self._word.text == text and self._word.kind in ("sign", "name")

    def expect(self, text: str) -> Token:
        """The next word, which must be `text` (or the end)."""
        word = self._word
        if not (self._is(text) or (text == "end" and word.kind == "end")):
            raise wrong(f"`{text}`", word.position)
        self._place += word.kind != "end"
        return word

    def expression(self) -> Node:
        """A whole expression, as deep as the limit allows."""
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise wrong(f"at most {DEEPEST_NESTING} expressions within each other", self._word.position)
        node = self._binary(0)
        self._depth -= 1
        return node

    def _binary(self, least: int) -> Node:
        """Operands joined by operators that bind at least as strongly as level `least`."""
        node = self._signed()
        count = 0
        while (level := self._level()) >= least:
            word = self._next()
            count += 1
            if count > LONGEST_CHAIN:
                raise wrong(f"at most {LONGEST_CHAIN} operators in a row", word.position)
            if level == _TYPE_LEVEL:
                node = TypeTest(word.text, node, self._type_name(), word.position)
            else:
                node = Binary(word.text, node, self._binary(level + 1), word.position)
        return node

    def _level(self) -> int:
        word = self._word
        return _LEVEL_OF.get(word.text, -1) if word.kind in ("sign", "name") else -1

    def _type_name(self) -> str:
        name = self._name()
        if self._is("."):
            self._next()
            name += "." + self._name()
        return name

    def _name(self) -> str:
        word = self._next()
        if word.kind not in ("name", "quoted"):
            raise wrong("a name", word.position)
        return word.text

    def _signed(self) -> Node:
        if self._is("-") or self._is("+"):
            self._depth += 1
            if self._depth > DEEPEST_NESTING:
                raise wrong("fewer signs in a row", self._word.position)
            node: Node = Unary(self._next().text, self._signed())
            self._depth -= 1
            return node
        return self._path()

    def _path(self) -> Node:
        node = self._term()
        count = 0
        while self._is(".") or self._is("["):
            count += 1
            if count > LONGEST_CHAIN:
                raise wrong(f"at most {LONGEST_CHAIN} steps in a path", self._word.position)
            if self._next().text == ".":
                node = Invoke(node, self._member())
            else:
                node = Indexer(node, self.expression())
                self.expect("]")
        return node

    def _member(self) -> Field | Call | Special:
        word = self._next()
        if word.kind == "special":
            return Special(word.text)
        if word.kind not in ("name", "quoted"):
            raise wrong("a name or a function", word.position)
        return self._named(word)

    def _named(self, word: Token) -> Field | Call:
        if word.kind == "name" and self._is("("):
            return Call(word.text, self._arguments(word.text), word.position)
        return Field(word.text, word.position)

    def _arguments(self, function: str) -> tuple[Node, ...]:
        self.expect("(")
        found: list[Node] = []
        while not self._is(")"):
            if found:
                self.expect(",")
            found.append(self._sort_key() if function == "sort" else self.expression())
        self.expect(")")
        return tuple(found)

    def _sort_key(self) -> Node:
        """A sort key: `-key` and `key desc` both sort downwards, whatever the key's type (FHIRPath STU 3)."""
        node = self.expression()
        if self._is("asc") or self._is("desc"):
            return Unary("-", node) if self._next().text == "desc" else node
        return node

    def _term(self) -> Node:
        word = self._next()
        literal = self._literals.get(word.kind)
        if literal is not None:
            return literal(word)
        if word.kind in ("name", "quoted"):
            return self._word_term(word)
        if word.text == "(":
            node = self.expression()
            self.expect(")")
            return node
        if word.text == "{":
            self.expect("}")
            return Empty()
        if word.text == "%":
            return self._variable()
        raise wrong("a value, a name or a function", word.position)

    def _word_term(self, word: Token) -> Node:
        if word.kind == "name" and word.text in _KEYWORDS and not self._is("("):
            if word.text in ("true", "false"):
                return Literal(word.text == "true")
            raise wrong("a value, a name or a function", word.position)
        return self._named(word)

    def _variable(self) -> Node:
        word = self._next()
        if word.kind not in ("name", "quoted", "string"):
            raise wrong("the name of a variable", word.position)
        return Variable(word.text, word.position)

    def _number(self, word: Token) -> Node:
        following = self._word
        if following.kind == "string":
            self._next()
            return Literal(Quantity(Decimal(word.text), following.text))
        if following.kind == "name" and following.text in CALENDAR_UNITS:
            self._next()
            return Literal(Quantity(Decimal(word.text), CALENDAR_UNITS[following.text], calendar=True))
        return Literal(Decimal(word.text) if "." in word.text else int(word.text))


def _temporal(kind: str, word: Token) -> Temporal:
    found = Temporal.parse(kind, word.text[1:])
    if found is None:
        raise wrong(f"a {kind} that exists", word.position)
    return found
