"""Server-side apply: who owns which field, and what that means for a change.

    fieldset.py    sets of fields in FieldsV1 form, and their algebra
    shape.py       which parts of a type have owners of their own
    ownership.py   the fields that an object mentions; the fields in which two objects differ
    merge.py       laying a configuration over an object; taking fields out of one
    owners.py      managedFields, decoded and encoded
    tracking.py    what create, update and patch do to owners
    applying.py    what an apply does to the object and to owners
    conflicts.py   the 409 that tells who else owns a field
    configuration.py  whether a configuration fits the type
    last_applied.py  the annotation of kubectl's client-side apply

All of it is pure and works on JSON trees. The rules are those of sigs.k8s.io/structured-merge-diff
and k8s.io/apimachinery/pkg/util/managedfields, for kinds that have one version.
"""

APPLY_MEDIA_TYPE = "application/apply-patch+yaml"
"""How a request says that its body is a configuration to apply."""
