"""Where each language's trees hold what leads elsewhere: calls, bases, imports, and what documents a definition.

Captures: `callee` with, where the tree keeps it apart, the `receiver` before it; `base` in the head of a class (in Ruby
also what `mixing` names); `import`, a statement that codebase.index.import_forms reads; `package`, the namespace a file
says it belongs to; `doc`, a docstring, and `of` what it documents; `comment`; `above`, what may stand between a comment
and what it is about; `variable`, or a `field` of the class around, and the `type` it is declared or made with (in Ruby
by `new`).
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
(assignment left: [(identifier) (attribute)] @variable right: (call function: [(identifier) (attribute)] @type))
(assignment left: [(identifier) (attribute)] @variable type: (type) @type)
(typed_parameter . (identifier) @variable type: (type) @type)
(typed_default_parameter name: (identifier) @variable type: (type) @type)
(as_pattern (call function: [(identifier) (attribute)] @type) alias: (as_pattern_target (identifier) @variable))
"""
_CALLS_OF_JAVASCRIPT = """
(call_expression function: [(identifier) (member_expression)] @callee)
(new_expression constructor: (_) @callee)
(import_statement) @import
(export_statement source: (_)) @import
(call_expression function: [(identifier) (import)] arguments: (arguments . (string))) @import
(comment) @comment
(decorator) @above
(variable_declarator name: (identifier) @variable value: (new_expression constructor: (_) @type))
(assignment_expression left: (member_expression) @variable right: (new_expression constructor: (_) @type))
"""
_JSX = """
(jsx_opening_element name: (_) @callee)
(jsx_self_closing_element name: (_) @callee)
"""
_JAVASCRIPT = f"""
{_CALLS_OF_JAVASCRIPT}
{_JSX}
(class_heritage [(identifier) (member_expression)] @base)
(field_definition property: (_) @variable value: (new_expression constructor: (_) @type))
"""
_TYPESCRIPT = f"""
{_CALLS_OF_JAVASCRIPT}
(extends_clause value: [(identifier) (member_expression)] @base)
(implements_clause (_) @base)
(extends_type_clause type: (_) @base)
(variable_declarator name: (identifier) @variable type: (type_annotation (_) @type))
(required_parameter (accessibility_modifier) pattern: (identifier) @field type: (type_annotation (_) @type))
(required_parameter pattern: (identifier) @variable type: (type_annotation (_) @type))
(optional_parameter pattern: (identifier) @variable type: (type_annotation (_) @type))
(public_field_definition name: (_) @variable type: (type_annotation (_) @type))
(public_field_definition name: (_) @variable value: (new_expression constructor: (_) @type))
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
(parameter_declaration name: (identifier) @variable type: (_) @type)
(var_spec name: (identifier) @variable type: (_) @type)
(field_declaration name: (field_identifier) @variable type: (_) @type)
(short_var_declaration
  left: (expression_list . (identifier) @variable)
  right: (expression_list . [
    (composite_literal type: (_) @type)
    (unary_expression operand: (composite_literal type: (_) @type))]))
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
(parameter pattern: (identifier) @variable type: (_) @type)
(let_declaration pattern: (identifier) @variable type: (_) @type)
(let_declaration pattern: (identifier) @variable value: (struct_expression name: (_) @type))
(let_declaration
  pattern: (identifier) @variable value: (call_expression function: (scoped_identifier path: (_) @type)))
(field_declaration name: (field_identifier) @variable type: (_) @type)
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
(formal_parameter type: (_) @type name: (identifier) @variable)
(enhanced_for_statement type: (_) @type name: (identifier) @variable)
(resource type: (_) @type name: (identifier) @variable)
(local_variable_declaration type: (_) @type declarator: (variable_declarator name: (identifier) @variable))
(local_variable_declaration
  declarator: (variable_declarator
    name: (identifier) @variable value: (object_creation_expression type: (_) @type)))
(field_declaration type: (_) @type declarator: (variable_declarator name: (identifier) @variable))
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
(parameter_declaration type: (_) @type declarator: [
  (identifier) @variable
  (pointer_declarator declarator: (identifier) @variable)
  (reference_declarator (identifier) @variable)])
(declaration type: (_) @type declarator: [
  (identifier) @variable
  (pointer_declarator declarator: (identifier) @variable)
  (reference_declarator (identifier) @variable)
  (init_declarator declarator: (identifier) @variable)
  (init_declarator declarator: (pointer_declarator declarator: (identifier) @variable))
  (init_declarator declarator: (reference_declarator (identifier) @variable))])
(field_declaration type: (_) @type declarator: [
  (field_identifier) @variable
  (pointer_declarator declarator: (field_identifier) @variable)])
"""
_RUBY = """
(call !receiver method: (_) @callee)
(call receiver: (_) @receiver method: (_) @callee)
(superclass (_) @base)
(call !receiver method: (identifier) @mixing arguments: (argument_list [(constant) (scope_resolution)] @base))
(call !receiver method: (identifier) arguments: (argument_list . (string))) @import
(call !receiver method: (identifier) arguments: (argument_list . (simple_symbol) . (string))) @import
(comment) @comment
(assignment
  left: [(identifier) (instance_variable)] @variable
  right: (call receiver: [(constant) (scope_resolution)] @type method: (identifier) @new))
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
(simple_parameter type: (_) @type name: (_) @variable)
(property_promotion_parameter type: (_) @type name: (_) @field)
(property_declaration type: (_) @type (property_element name: (_) @variable))
(assignment_expression
  left: [(variable_name) (member_access_expression)] @variable
  right: (object_creation_expression [(name) (qualified_name)] @type))
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
(parameter type: (_) @type name: (identifier) @variable)
(variable_declaration type: (_) @type (variable_declarator name: (identifier) @variable))
(variable_declaration
  (variable_declarator name: (identifier) @variable (object_creation_expression type: (_) @type)))
(property_declaration type: (_) @type name: (identifier) @variable)
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
