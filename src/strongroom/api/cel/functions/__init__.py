"""The libraries of functions that expressions may call, in Kubernetes' environment."""

from strongroom.api.cel.functions import (
    addresses,
    authorizer,
    conversions,
    formats,
    lists,
    optionals,
    quantities,
    regex,
    semver,
    sets,
    strings,
    times,
    urls,
)

LIBRARIES = (
    conversions.FUNCTIONS,
    strings.FUNCTIONS,
    lists.FUNCTIONS,
    sets.FUNCTIONS,
    optionals.FUNCTIONS,
    times.FUNCTIONS,
    regex.FUNCTIONS,
    urls.FUNCTIONS,
    addresses.FUNCTIONS,
    quantities.FUNCTIONS,
    semver.FUNCTIONS,
    formats.FUNCTIONS,
    authorizer.FUNCTIONS,
)
