"""Where each language's trees hold what leads elsewhere: calls, bases, imports, and what documents a definition.

Captures: `callee` with, where the tree keeps it apart, the `receiver` before it; `base` in the head of a class (in Ruby
also what `mixing` names); `import`, a statement that codebase.index.import_forms reads; `package`, the namespace a file
says it belongs to; `doc`, a docstring, and `of` what it documents; `comment`; `above`, what may stand between a comment
and what it is about.
"""

from __future__ import annotations

_PYTHON = """
(call function: (_) @callee)
(decorator [(identifier) (attribute)] @callee)
(class_definition superclasses: (argument_list [(identifier) (attribute)] @base))
(class_definition superclasses: (argument_list (subscript value: (_) @base)))
(import_statement) @import
(import_from_statement) @import
(class_definition body: (block . (expression_statement (string) @doc))) @of
(function_definition body: (block . (expression_statement (string) @doc))) @of
(module . (comment)* . (expression_statement (string) @doc)) @of
(comment) @comment
"""
_CALLS_OF_JAVASCRIPT = """
(call_expression function: [(identifier) (member_expression)] @callee)
(new_expression constructor: (_) @callee)
(import_statement) @import
(export_statement source: (_)) @import
(call_expression function: [(identifier) (import)] arguments: (arguments . (string))) @import
(comment) @comment
(decorator) @above
"""
_JSX = """
(jsx_opening_element name: (_) @callee)
(jsx_self_closing_element name: (_) @callee)
"""
_JAVASCRIPT = f"""
{_CALLS_OF_JAVASCRIPT}
{_JSX}
(class_heritage [(identifier) (member_expression)] @base)
"""
_TYPESCRIPT = f"""
{_CALLS_OF_JAVASCRIPT}
(extends_clause value: [(identifier) (member_expression)] @base)
(implements_clause (_) @base)
(extends_type_clause type: (_) @base)
"""
_TSX = _TYPESCRIPT + _JSX
_GO = """
(call_expression function: (_) @callee)
(type_conversion_expression type: (generic_type) @callee)
(composite_literal type: [(type_identifier) (qualified_type) (generic_type)] @callee)
(field_declaration !name type: (_) @base)
(interface_type (type_elem . (_) @base .))
(import_spec) @import
(package_clause (package_identifier) @package)
(comment) @comment
"""
_RUST = """
(call_expression function: (_) @callee)
(macro_invocation macro: (_) @callee)
(token_tree (identifier) @callee . (token_tree "("))
(struct_expression name: (_) @callee)
(impl_item trait: (_) @base)
(trait_item bounds: (trait_bounds [(type_identifier) (scoped_type_identifier) (generic_type)] @base))
(use_declaration) @import
(mod_item !body) @import
(extern_crate_declaration) @import
(line_comment) @comment
(block_comment) @comment
(attribute_item) @above
"""
_JAVA = """
(method_invocation object: (_) @receiver name: (_) @callee)
(method_invocation !object name: (_) @callee)
(method_reference . (_) @receiver (identifier) @callee .)
(object_creation_expression type: (_) @callee)
(superclass (_) @base)
(super_interfaces (type_list (_) @base))
(extends_interfaces (type_list (_) @base))
(import_declaration) @import
(package_declaration (_) @package)
(line_comment) @comment
(block_comment) @comment
"""
_C = """
(call_expression function: (_) @callee)
(preproc_include) @import
(comment) @comment
"""
_CPP = f"""
{_C}
(new_expression type: (_) @callee)
(base_class_clause [(type_identifier) (qualified_identifier) (template_type)] @base)
(template_declaration parameters: (_) @above)
"""
_RUBY = """
(call !receiver method: (_) @callee)
(call receiver: (_) @receiver method: (_) @callee)
(superclass (_) @base)
(call !receiver method: (identifier) @mixing arguments: (argument_list [(constant) (scope_resolution)] @base))
(call !receiver method: (identifier) arguments: (argument_list . (string))) @import
(call !receiver method: (identifier) arguments: (argument_list . (simple_symbol) . (string))) @import
(comment) @comment
"""
_PHP = """
(function_call_expression function: (_) @callee)
(member_call_expression object: (_) @receiver name: (_) @callee)
(nullsafe_member_call_expression object: (_) @receiver name: (_) @callee)
(scoped_call_expression scope: (_) @receiver name: (_) @callee)
(object_creation_expression [(name) (qualified_name)] @callee)
(base_clause (_) @base)
(class_interface_clause (_) @base)
(declaration_list (use_declaration [(name) (qualified_name)] @base))
(namespace_use_declaration) @import
(require_expression) @import
(require_once_expression) @import
(include_expression) @import
(include_once_expression) @import
(namespace_definition name: (_) @package)
(comment) @comment
"""
_CSHARP = """
(invocation_expression function: (_) @callee)
(object_creation_expression type: (_) @callee)
(base_list [(identifier) (qualified_name) (generic_name)] @base)
(base_list (primary_constructor_base_type type: (_) @base))
(using_directive) @import
(namespace_declaration name: (_) @package)
(file_scoped_namespace_declaration name: (_) @package)
(comment) @comment
"""

LINK_QUERIES = {
    "Python": _PYTHON,
    "JavaScript": _JAVASCRIPT,
    "TypeScript": _TYPESCRIPT,
    "TSX": _TSX,
    "Go": _GO,
    "Rust": _RUST,
    "Java": _JAVA,
    "C": _C,
    "C++": _CPP,
    "Ruby": _RUBY,
    "PHP": _PHP,
    "C#": _CSHARP,
}
"""By the names of codebase.index.grammars."""
