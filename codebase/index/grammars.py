"""The languages whose definitions are known: by which endings files are theirs, and where their trees hold a name.

Grammars are single-language wheels, loaded when a file of that language is first read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Parser, Query

_PYTHON = """
(function_definition name: (identifier) @name) @function
(class_definition name: (identifier) @name) @class
"""
_JAVASCRIPT = """
(function_declaration name: (identifier) @name) @function
(generator_function_declaration name: (identifier) @name) @function
(class_declaration name: (_) @name) @class
(method_definition name: (_) @name) @function
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @function
(assignment_expression
  left: (member_expression property: (property_identifier) @name)
  right: [(arrow_function) (function_expression)]) @function
(pair key: (property_identifier) @name value: [(arrow_function) (function_expression)]) @function
"""
_TYPESCRIPT = (
    _JAVASCRIPT
    + """
(abstract_class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @class
(enum_declaration name: (_) @name) @class
(type_alias_declaration name: (_) @name) @class
(internal_module name: (_) @name) @class
(function_signature name: (identifier) @name) @function
(abstract_method_signature name: (_) @name) @function
"""
)
_GO = """
(function_declaration name: (identifier) @name) @function
(method_declaration receiver: (parameter_list (parameter_declaration type: (_) @owner)) name: (_) @name) @function
(type_spec name: (type_identifier) @name) @class
"""
_RUST = """
(function_item name: (identifier) @name) @function
(function_signature_item name: (identifier) @name) @function
(struct_item name: (type_identifier) @name) @class
(enum_item name: (type_identifier) @name) @class
(union_item name: (type_identifier) @name) @class
(trait_item name: (type_identifier) @name) @class
(impl_item type: (_) @name) @class
(mod_item name: (identifier) @name) @class
(macro_definition name: (identifier) @name) @function
"""
_JAVA = """
(class_declaration name: (identifier) @name) @class
(interface_declaration name: (identifier) @name) @class
(enum_declaration name: (identifier) @name) @class
(record_declaration name: (identifier) @name) @class
(annotation_type_declaration name: (identifier) @name) @class
(method_declaration name: (identifier) @name) @function
(constructor_declaration name: (identifier) @name) @function
"""
_C = """
(function_definition declarator: (_) @declarator) @function
(struct_specifier name: (_) @name body: (_)) @class
(union_specifier name: (_) @name body: (_)) @class
(enum_specifier name: (_) @name body: (_)) @class
(type_definition declarator: (type_identifier) @name) @class
(preproc_function_def name: (identifier) @name) @function
"""
_CPP = (
    _C
    + """
(class_specifier name: (_) @name body: (_)) @class
(namespace_definition name: (_) @name) @class
"""
)
_RUBY = """
(method name: (_) @name) @function
(singleton_method name: (_) @name) @function
(class name: (_) @name) @class
(module name: (_) @name) @class
"""
_PHP = """
(function_definition name: (name) @name) @function
(method_declaration name: (name) @name) @function
(class_declaration name: (name) @name) @class
(interface_declaration name: (name) @name) @class
(trait_declaration name: (name) @name) @class
(enum_declaration name: (name) @name) @class
"""
_CSHARP = """
(class_declaration name: (identifier) @name) @class
(struct_declaration name: (identifier) @name) @class
(interface_declaration name: (identifier) @name) @class
(record_declaration name: (identifier) @name) @class
(enum_declaration name: (identifier) @name) @class
(method_declaration name: (identifier) @name) @function
(constructor_declaration name: (identifier) @name) @function
(property_declaration name: (identifier) @name) @function
(local_function_statement name: (identifier) @name) @function
"""


@dataclass(frozen=True, slots=True)
class Grammar:
    """`module` and `entry`: the wheel and the function in it that gives the language. `query` captures a definition as
    `function` or `class`, its `name` (or C's `declarator`, in which the name is found), and Go's `owner`."""

    name: str
    endings: tuple[str, ...]
    module: str
    query: str
    entry: str = "language"


GRAMMARS = (
    Grammar("Python", (".py", ".pyi", ".pyx"), "tree_sitter_python", _PYTHON),
    Grammar("JavaScript", (".js", ".jsx", ".mjs", ".cjs"), "tree_sitter_javascript", _JAVASCRIPT),
    Grammar("TypeScript", (".ts", ".mts", ".cts"), "tree_sitter_typescript", _TYPESCRIPT, "language_typescript"),
    Grammar("TSX", (".tsx",), "tree_sitter_typescript", _TYPESCRIPT, "language_tsx"),
    Grammar("Go", (".go",), "tree_sitter_go", _GO),
    Grammar("Rust", (".rs",), "tree_sitter_rust", _RUST),
    Grammar("Java", (".java",), "tree_sitter_java", _JAVA),
    Grammar("C", (".c", ".h"), "tree_sitter_c", _C),
    Grammar("C++", (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".cu", ".cuh"), "tree_sitter_cpp", _CPP),
    Grammar("Ruby", (".rb", ".rake"), "tree_sitter_ruby", _RUBY),
    Grammar("PHP", (".php",), "tree_sitter_php", _PHP, "language_php"),
    Grammar("C#", (".cs",), "tree_sitter_c_sharp", _CSHARP),
)
_BY_ENDING = {ending: grammar for grammar in GRAMMARS for ending in grammar.endings}


def grammar_for(path: str) -> Grammar | None:
    """The grammar of a file by its name's ending."""
    return _BY_ENDING.get(PurePosixPath(path).suffix.lower())


@cache
def loaded(name: str) -> tuple[Parser, Query]:
    """A parser and the query of definitions, for this process. KeyError for a language that is not in the table."""
    import tree_sitter

    grammar = next((one for one in GRAMMARS if one.name == name), None)
    if grammar is None:
        raise KeyError(name)
    language = tree_sitter.Language(getattr(import_module(grammar.module), grammar.entry)())
    return tree_sitter.Parser(language), tree_sitter.Query(language, grammar.query)
