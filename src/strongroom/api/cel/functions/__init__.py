"""The libraries of functions that expressions may call, in Kubernetes' environment."""

from strongroom.api.cel.functions import (
    conversions,
    lists,
    optionals,
    regex,
    sets,
    strings,
)

LIBRARIES = (
    conversions.FUNCTIONS,
    strings.FUNCTIONS,
    lists.FUNCTIONS,
    sets.FUNCTIONS,
    optionals.FUNCTIONS,
    regex.FUNCTIONS,
)
