"""`$(VAR)` expansion in a container's command, args and env, by the rules of the kubelet.

`$(NAME)` becomes the variable's value, `$$` becomes one `$` (so `$$(NAME)` stays a literal
`$(NAME)`), and everything else, a reference to an unknown variable included, stays as it is.
The result of a reference is not expanded again. Names may hold any character but `)`.
"""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`text` with every reference to one of `variables` replaced (upstream: `expansion.Expand`).

    One pass from left to right: of `$$$(A)`, the first two signs are an escape and the rest is a
    reference.
    """

    def replace(match: re.Match[str]) -> str:
        if match.group(1):
            return "$"
        return variables.get(match.group(2), match.group(0))

    return _REFERENCE.sub(replace, text)
