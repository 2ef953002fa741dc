"""Tables of `xctrace export`: streams the XML, resolves ids and references, reads columns by the table's own schema.

Layout (Xcode 14 to 27): ``<trace-query-result><node><schema name=…><col>…</col></schema><row>…</row>…``. The cells of
a row stand in the order of the schema's columns. The first occurrence of a value has ``id`` and ``fmt``; later ones are
``<x ref="id"/>``, also across nested elements. ``<sentinel/>`` is an empty cell. Times are in nanoseconds.
"""

import xml.etree.ElementTree as ElementTree
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from device_harness.errors import UnreadableOutputError

Value = int | str | None
_Events = Iterable[tuple[str, ElementTree.Element]]

# Small: elements that fit the processor's cache are read nearly twice as fast as with a megabyte.
CHUNK = 1 << 14
ROOT = "trace-query-result"
NO_EXPORT = f"The xctrace export has no {ROOT}: it is another kind of file."
_LARGEST = 2**63 - 1
_SLACK = 65_536
_DIGITS = 20
_PROLOG = 1 << 20


@dataclass(frozen=True)
class Schema:
    """A table's name and its columns: mnemonics and engineering types, in the order of the cells."""

    name: str
    mnemonics: tuple[str, ...]
    types: tuple[str, ...]


class ValueStore:
    """Values by id, in nine bytes each as long as ids are dense, which they are in real exports.

    Integers lie in the array itself, texts once each in a list: a 500 MB export has millions of ids.
    """

    def __init__(self) -> None:
        self._values = array("q")
        self._kinds = bytearray()
        self._texts: list[str] = []
        self._known: dict[str, int] = {}
        self._sparse: dict[int, Value] = {}

    def put(self, number: int, value: int | str) -> None:
        """Remember `value` as the one with id `number`."""
        if number < 0 or number > 4 * len(self._kinds) + _SLACK:
            self._sparse[number] = value
            return
        if number >= len(self._kinds):
            missing = max(number + 1 - len(self._kinds), len(self._kinds) // 4)
            self._values.extend(array("q", bytes(8 * missing)))
            self._kinds.extend(bytes(missing))
        if isinstance(value, int) and abs(value) <= _LARGEST:
            self._values[number], self._kinds[number] = value, 1
        else:
            self._values[number], self._kinds[number] = self._position(value), 2 if isinstance(value, str) else 3

    def get(self, number: int) -> int | str:
        """The value with id `number`.

        Raises:
            KeyError: none was given.
        """
        kind = self._kinds[number] if 0 <= number < len(self._kinds) else 0
        if kind == 1:
            return self._values[number]
        if kind:
            text = self._texts[self._values[number]]
            return text if kind == 2 else int(text)
        value = self._sparse[number]
        assert value is not None
        return value

    def _position(self, value: int | str) -> int:
        text = str(value)
        position = self._known.setdefault(text, len(self._texts))
        if position == len(self._texts):
            self._texts.append(text)
        return position


def read_rows(stream: BinaryIO, schema: str, columns: Sequence[str]) -> Iterator[tuple[Value, ...]]:
    """The rows of every table called `schema`, each as the values of `columns`, in bounded memory.

    Whole numbers are integers, everything else the text that Instruments shows; an empty cell is None.

    Args:
        stream: the file that `xctrace export --xpath` wrote.
        schema: the table's name, for example ``time-profile``.
        columns: mnemonics of the columns wanted.

    Raises:
        UnreadableOutputError: not such a file, cut off, without one of the columns, or with a reference to nothing.
    """
    reader = _Reader(schema, tuple(columns))
    node: ElementTree.Element | None = None
    whole = False
    # One flat loop: a 500 MB export has tens of millions of events, and a call for each would double the time.
    for events in _events(stream):
        for event, element in events:
            tag = element.tag
            if event == "start":
                if tag == "node":
                    node = element
                    reader.leave_table()
            elif tag == "row":
                if reader.in_table:
                    yield reader.row(element)
                if node is not None:
                    # Without this the tree of rows already read would grow with the file.
                    node.clear()
            elif tag == "schema":
                reader.enter_table(_schema(element))
            elif tag == ROOT:
                whole = True
    if not whole:
        raise UnreadableOutputError(NO_EXPORT)


class _Reader:
    """Takes rows apart; remembers values of the types that the wanted columns have."""

    def __init__(self, schema: str, columns: tuple[str, ...]) -> None:
        self.in_table = False
        self._wanted = schema
        self._columns = columns
        self._store = ValueStore()
        self._types: set[str] = set()
        self._positions: tuple[int, ...] = ()
        self._width = 0

    def leave_table(self) -> None:
        self.in_table = False

    def enter_table(self, schema: Schema) -> None:
        self.in_table = schema.name == self._wanted
        if not self.in_table:
            return
        missing = [column for column in self._columns if column not in schema.mnemonics]
        if missing:
            raise UnreadableOutputError(
                f"The xctrace table {schema.name} has no column {', '.join(missing)}; it has "
                f"{', '.join(schema.mnemonics)}. This version of Instruments names its columns otherwise."
            )
        self._positions = tuple(schema.mnemonics.index(column) for column in self._columns)
        self._types |= {schema.types[position] for position in self._positions}
        self._width = len(schema.mnemonics)

    def row(self, row: ElementTree.Element) -> tuple[Value, ...]:
        width = len(row)
        if width > self._width:
            raise UnreadableOutputError(
                f"A row of the xctrace table {self._wanted} has {width} cells for {self._width} columns."
            )
        for cell in row:
            if len(cell):
                self._remember_nested(cell)
        cell_of = self._cell
        return tuple([cell_of(row[position]) if position < width else None for position in self._positions])

    def _remember_nested(self, cell: ElementTree.Element) -> None:
        for inner in cell.iter():
            if inner.tag in self._types and "id" in inner.attrib:
                self._store.put(_number(inner.attrib["id"]), _content(inner))

    def _cell(self, cell: ElementTree.Element) -> Value:
        reference = cell.get("ref")
        if reference is not None:
            try:
                return self._store.get(_number(reference))
            except KeyError:
                raise UnreadableOutputError(
                    f"The xctrace export refers to value {reference}, which it does not have: it is not whole."
                ) from None
        if cell.tag == "sentinel":
            return None
        value = _content(cell)
        number = cell.get("id")
        if number is not None:
            self._store.put(_number(number), value)
        return value


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UnreadableOutputError(f"The xctrace export has the id {text[:40]!r}, which is not a number.") from None


def _content(element: ElementTree.Element) -> int | str:
    """Text of a plain value; what Instruments shows of a nested one; a frame's name where it shows nothing."""
    text = element.text
    if text and len(element) == 0:
        return int(text) if text.isdecimal() and len(text) <= _DIGITS else text
    shown = element.get("fmt")
    if shown is None:
        named = next((inner.get("name") for inner in element.iter() if inner.get("name")), None)
        return named or ""
    return shown


def _schema(element: ElementTree.Element) -> Schema:
    name = element.get("name")
    columns = [(column.findtext("mnemonic"), column.findtext("engineering-type")) for column in element.iter("col")]
    if not name or not columns or any(not mnemonic for mnemonic, _ in columns):
        raise UnreadableOutputError("The xctrace export has a schema without a name or with nameless columns.")
    return Schema(name, tuple(first or "" for first, _ in columns), tuple(second or "" for _, second in columns))


def _events(stream: BinaryIO) -> Iterator[_Events]:
    """Start and end events, chunk by chunk; document type declarations, which could define entities, are refused."""
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    prolog: bytes | None = b""
    try:
        while chunk := stream.read(CHUNK):
            if prolog is not None:
                prolog = _refuse_declarations(prolog + chunk)
            parser.feed(chunk)
            yield cast(_Events, list(parser.read_events()))
        parser.close()
        yield cast(_Events, list(parser.read_events()))
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise UnreadableOutputError(
            f"The xctrace export is not whole XML ({error}). Export it again; xctrace may still have been saving."
        ) from error


def _refuse_declarations(seen: bytes) -> bytes | None:
    """None when the root element has begun and no declaration came before it, else what has been seen so far."""
    if seen[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in seen[:4]:
        raise UnreadableOutputError("The xctrace export is not UTF-8.")
    root = seen.find(b"<trace-")
    head = seen if root < 0 else seen[:root]
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise UnreadableOutputError("The file declares a document type, which xctrace never does: not read.")
    if len(head) > _PROLOG:
        raise UnreadableOutputError("The file does not begin like an xctrace export.")
    return None if root >= 0 else seen
