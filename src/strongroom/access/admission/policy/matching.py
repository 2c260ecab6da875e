"""Whether a policy or a binding is about a request (``admission/plugin/policy/matching``)."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.access.admission.matching import (
    Equivalents,
    NamespaceLabels,
    Target,
    find_target,
    namespace_matches,
    object_matches,
    target_of,
)
from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.errors import StatusError
from strongroom.resources.admission_policy import MatchResources, NamedRuleWithOperations


class PolicyMatcher:
    """Answers for policies and for bindings alike."""

    def __init__(self, namespaces: NamespaceLabels, kinds: Equivalents) -> None:
        self._namespaces = namespaces
        self._kinds = kinds

    async def target(self, match: MatchResources, request: AdmissionRequest) -> Target | None:
        """How the object is to be shown; None when the request is not meant.

        Raises StatusError 404 for a missing namespace and 500 for a selector that is none.
        """
        failure: StatusError | ValueError | None = None
        try:
            if not await namespace_matches(match.namespaceSelector, request, self._namespaces):
                return None
            if not object_matches(match.objectSelector, request):
                return None
        except (StatusError, ValueError) as error:
            # As upstream, this counts only where a rule speaks of the request.
            failure = error
        if self._by_rules(match.excludeResourceRules, match, request) is not None:
            return None
        found = target_of(request)
        if match.resourceRules:
            by_rule = self._by_rules(match.resourceRules, match, request)
            if by_rule is None:
                return None
            found = by_rule
        if failure is not None:
            raise failure
        return found

    def _by_rules(
        self,
        rules: Sequence[NamedRuleWithOperations],
        match: MatchResources,
        request: AdmissionRequest,
    ) -> Target | None:
        named = [r for r in rules if not r.resourceNames or request.name in r.resourceNames]
        return find_target(request, named, match.matchPolicy, self._kinds) if named else None
