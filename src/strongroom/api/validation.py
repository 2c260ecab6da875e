"""Validation's vocabulary: field paths, findings, name rules, and the rules of metadata.

This module is the one to import; the parts stand in ``findings``, ``names``, ``meta_validation``
and ``options_validation``.
"""

from __future__ import annotations

from strongroom.api.errors import FieldError
from strongroom.api.findings import (
    IMMUTABLE,
    REDACTED,
    Path,
    duplicate,
    forbidden_field,
    internal_finding,
    invalid_value,
    not_found_value,
    not_supported,
    required,
    too_long,
    too_many,
    type_invalid,
)
from strongroom.api.meta_validation import (
    immutable_field,
    non_negative,
    validate_annotations,
    validate_labels,
    validate_object_meta,
    validate_object_meta_update,
)
from strongroom.api.names import (
    NameCheck,
    c_identifier,
    config_map_key,
    dns_1035_label,
    dns_label,
    dns_subdomain,
    env_var_name,
    in_range,
    label_value,
    max_length_text,
    path_segment,
    port_name,
    port_number,
    qualified_name,
    regex_text,
    strict_env_var_name,
)
from strongroom.api.options_validation import (
    validate_delete_options,
    validate_patch_options,
    validate_write_options,
)

__all__ = [
    "IMMUTABLE",
    "REDACTED",
    "FieldError",
    "NameCheck",
    "Path",
    "c_identifier",
    "config_map_key",
    "dns_1035_label",
    "dns_label",
    "dns_subdomain",
    "duplicate",
    "env_var_name",
    "forbidden_field",
    "immutable_field",
    "in_range",
    "internal_finding",
    "invalid_value",
    "label_value",
    "max_length_text",
    "non_negative",
    "not_found_value",
    "not_supported",
    "path_segment",
    "port_name",
    "port_number",
    "qualified_name",
    "regex_text",
    "required",
    "strict_env_var_name",
    "too_long",
    "too_many",
    "type_invalid",
    "validate_annotations",
    "validate_delete_options",
    "validate_labels",
    "validate_object_meta",
    "validate_object_meta_update",
    "validate_patch_options",
    "validate_write_options",
]
