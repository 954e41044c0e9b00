"""What an import statement says, in each language: the module, the names taken from it, what they are called here.

A statement gives as many forms as it names modules. Where the language lets two spellings mean the same, one is used:
Ruby's `require_relative "x"` is `./x`, PHP's `require __DIR__ . "/x.php"` is `./x.php`, Rust's `mod x;` is `self::x`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

Form = tuple[str, tuple[str, ...], tuple[str, ...]]
"""`module` as written, `names` taken from it ("*": all of it), and by which name each is `known` here; where no names
are taken, `known` is what the module itself is called."""
Text = Callable[["Node"], str]
_DEEPEST = 40
_MAJOR = re.compile(r"v\d+")
ALL = ("*",)


def forms(statement: Node, text: Text) -> Iterator[Form]:
    """The imports of a node that a query captured as `import`; none for what only looks like one."""
    reader = _READERS.get(statement.type)
    return reader(statement, text) if reader else iter(())


def _python_import(node: Node, text: Text) -> Iterator[Form]:
    for name in node.children_by_field_name("name"):
        module, known = _renamed(name, text)
        yield module, (), (known,)


def _python_from(node: Node, text: Text) -> Iterator[Form]:
    module = node.child_by_field_name("module_name")
    if module is None:
        return
    taken = [_renamed(name, text) for name in node.children_by_field_name("name")]
    if any(child.type == "wildcard_import" for child in node.named_children):
        taken = [("*", "*")]
    yield "".join(text(module).split()), tuple(name for name, _ in taken), tuple(known for _, known in taken)


def _renamed(node: Node, text: Text) -> tuple[str, str]:
    """A name and what it is called here, which is the same where there is no alias."""
    name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
    said = text(name if name is not None else node)
    return said, text(alias) if alias is not None else said


def _script_import(node: Node, text: Text) -> Iterator[Form]:
    """`import ... from`, `export ... from` and `import x = require()`."""
    source = node.child_by_field_name("source")
    taken: list[tuple[str, str]] = []
    for clause in node.named_children:
        if clause.type == "import_require_clause":
            source = clause.child_by_field_name("source")
            taken += [("*", text(child)) for child in clause.named_children if child.type == "identifier"]
        if clause.type == "namespace_export":
            taken += [("*", text(name)) for name in clause.named_children[:1]]
        for child in clause.named_children if clause.type in ("import_clause", "export_clause") else ():
            if child.type == "identifier":
                taken.append(("default", text(child)))
            elif child.type == "namespace_import":
                taken += [("*", text(name)) for name in child.named_children[:1]]
            elif child.type == "named_imports":
                taken += [_renamed(one, text) for one in child.named_children if one.type == "import_specifier"]
            elif child.type == "export_specifier":
                taken.append(_renamed(child, text))
    if source is None:
        return
    if node.type == "export_statement" and not taken:
        taken = [("*", "*")]
    yield text(source).strip("\"'`"), tuple(name for name, _ in taken), tuple(known for _, known in taken)


def _script_call(node: Node, text: Text) -> Iterator[Form]:
    """`require("x")` and `import("x")`, with the names that a declaration around them takes."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or text(function) not in ("require", "import"):
        return
    module = text(arguments.named_children[0]).strip("\"'`")
    around = node.parent
    if around is not None and around.type == "await_expression":
        around = around.parent
    name = around.child_by_field_name("name") if around is not None and around.type == "variable_declarator" else None
    taken: list[tuple[str, str]] = []
    if name is not None and name.type == "identifier":
        taken = [("*", text(name))]
    elif name is not None and name.type == "object_pattern":
        for one in name.named_children:
            key, value = one.child_by_field_name("key"), one.child_by_field_name("value")
            if one.type == "shorthand_property_identifier_pattern":
                taken.append((text(one), text(one)))
            elif key is not None and value is not None and value.type == "identifier":
                taken.append((text(key), text(value)))
    yield module, tuple(said for said, _ in taken), tuple(known for _, known in taken)


def _go(node: Node, text: Text) -> Iterator[Form]:
    path, name = node.child_by_field_name("path"), node.child_by_field_name("name")
    if path is None:
        return
    module = text(path).strip('"`')
    parts = module.split("/")
    last = parts[-2] if len(parts) > 1 and _MAJOR.fullmatch(parts[-1]) else parts[-1]
    yield module, (), (text(name) if name is not None else last,)


def _rust_use(node: Node, text: Text) -> Iterator[Form]:
    argument = node.child_by_field_name("argument")
    if argument is None:
        return
    for prefix, path, known in _rust_leaves(argument, text, "", 0):
        if path in ("*", "self"):
            names = ALL if path == "*" else ()
            yield prefix, names, names or (known or prefix.rpartition("::")[2],)
        elif not prefix:
            yield path, (), (known or path.rpartition("::")[2],)
        else:
            inner, _, name = path.rpartition("::")
            yield _joined(prefix, inner), (name,), (known or name,)


def _rust_leaves(node: Node, text: Text, prefix: str, depth: int) -> Iterator[tuple[str, str, str]]:
    """What a tree of paths ends in: the path before it, the rest, and its alias."""
    if depth > _DEEPEST:
        return
    if node.type == "use_list":
        for child in node.named_children:
            yield from _rust_leaves(child, text, prefix, depth + 1)
    elif node.type == "scoped_use_list":
        path, inside = node.child_by_field_name("path"), node.child_by_field_name("list")
        if inside is not None:
            yield from _rust_leaves(inside, text, _joined(prefix, text(path) if path else ""), depth + 1)
    elif node.type == "use_wildcard":
        yield _joined(prefix, text(node).removesuffix("*").rstrip(": \n")), "*", ""
    elif node.type == "use_as_clause":
        path, alias = node.child_by_field_name("path"), node.child_by_field_name("alias")
        if path is not None and alias is not None:
            yield prefix, text(path), text(alias)
    elif "comment" not in node.type:
        yield prefix, text(node), ""


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}::{path}" if prefix and path else prefix or path


def _rust_module(node: Node, text: Text) -> Iterator[Form]:
    name = node.child_by_field_name("name")
    if name is not None:
        yield f"self::{text(name)}" if node.type == "mod_item" else text(name), (), (text(name),)


def _java(node: Node, text: Text) -> Iterator[Form]:
    path = next((child for child in node.named_children if "identifier" in child.type), None)
    if path is None:
        return
    module = "".join(text(path).split())
    if any(child.type == "asterisk" for child in node.named_children):
        yield module, ALL, ALL
    else:
        yield module, (), (module.rpartition(".")[2],)


def _csharp(node: Node, text: Text) -> Iterator[Form]:
    alias = node.child_by_field_name("name")
    paths = [child for child in node.named_children if child != alias and child.type != "comment"]
    if not paths:
        return
    module = "".join(text(paths[-1]).split())
    yield module, () if alias else ALL, (text(alias),) if alias else ALL


def _include(node: Node, text: Text) -> Iterator[Form]:
    path = node.child_by_field_name("path")
    if path is not None and path.type in ("string_literal", "system_lib_string"):
        yield text(path).strip('"<>'), (), ()


def _ruby(node: Node, text: Text) -> Iterator[Form]:
    method, arguments = node.child_by_field_name("method"), node.child_by_field_name("arguments")
    said = text(method) if method is not None else ""
    if arguments is None or said not in ("require", "require_relative", "load", "autoload"):
        return
    module = text(arguments.named_children[-1]).strip("\"'")
    if said == "require_relative" and not module.startswith("."):
        module = f"./{module}"
    name = (text(arguments.named_children[0]).lstrip(":"),) if said == "autoload" else ()
    yield module, name, name


def _php_use(node: Node, text: Text) -> Iterator[Form]:
    around = next((text(child) for child in node.named_children if child.type == "namespace_name"), "")
    waiting = list(reversed(node.named_children))
    while waiting:
        child = waiting.pop()
        if child.type == "namespace_use_group":
            waiting += reversed(child.named_children)
        elif child.type == "namespace_use_clause":
            alias = child.child_by_field_name("alias")
            path = text(child.named_children[0]).lstrip("\\")
            module = f"{around}\\{path}" if around else path
            yield module, (), (text(alias) if alias else module.rpartition("\\")[2],)


def _php_require(node: Node, text: Text) -> Iterator[Form]:
    said = text(node)
    path = re.search(r"""['"]([^'"$]+)['"]\s*\)*$""", said)
    if path:
        beside = "__DIR__" in said or "dirname(" in said
        yield "./" + path[1].lstrip("/") if beside else path[1], (), ()


def _import_statement(node: Node, text: Text) -> Iterator[Form]:
    """Python and JavaScript call theirs the same; only Python's names its modules in fields."""
    return _python_import(node, text) if node.child_by_field_name("name") else _script_import(node, text)


_READERS: dict[str, Callable[[Node, Text], Iterator[Form]]] = {
    "import_statement": _import_statement,
    "import_from_statement": _python_from,
    "export_statement": _script_import,
    "call_expression": _script_call,
    "import_spec": _go,
    "use_declaration": _rust_use,
    "mod_item": _rust_module,
    "extern_crate_declaration": _rust_module,
    "import_declaration": _java,
    "using_directive": _csharp,
    "preproc_include": _include,
    "call": _ruby,
    "namespace_use_declaration": _php_use,
    "require_expression": _php_require,
    "require_once_expression": _php_require,
    "include_expression": _php_require,
    "include_once_expression": _php_require,
}
