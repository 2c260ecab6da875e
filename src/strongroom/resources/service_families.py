"""Rules for the addresses of a Service and their families.

Source: ``ValidateServiceClusterIPsRelatedFields`` and ``validateUpgradeDowngrade...`` in
``pkg/apis/core/validation``.
"""

from __future__ import annotations

from strongroom.api.errors import FieldError
from strongroom.api.validation import Path, duplicate, invalid_value, not_supported, required
from strongroom.resources.addresses import IPV4, IPV6, family_of, ip_errors
from strongroom.resources.service_object import EXTERNAL_NAME, NONE_IP, Service, is_headless

SINGLE_STACK = "SingleStack"
_POLICIES = ("PreferDualStack", "RequireDualStack", SINGLE_STACK)
_IPS = Path("spec") / "clusterIPs"
_FAMILIES = Path("spec") / "ipFamilies"
_POLICY = Path("spec") / "ipFamilyPolicy"
_CHANGED = "may not change once set"


def address_errors(service: Service) -> list[FieldError]:
    """What is wrong with the addresses, each by itself and with their families."""
    spec = service.spec
    if spec.type == EXTERNAL_NAME:
        return []
    errors = _same_first(service)
    seen = set()
    for i, family in enumerate(spec.ipFamilies):
        if family not in (IPV4, IPV6):
            errors.append(not_supported(_FAMILIES.index(i), family, (IPV4, IPV6)))
        if family in seen:
            errors.append(duplicate(_FAMILIES.index(i), family))
        seen.add(family)
    if spec.ipFamilyPolicy is not None and spec.ipFamilyPolicy not in _POLICIES:
        errors.append(not_supported(_POLICY, spec.ipFamilyPolicy, _POLICIES))
    wrong = _each_address(spec.clusterIPs)
    errors += wrong
    if len(spec.clusterIPs) > 2:
        errors.append(invalid_value(_IPS, spec.clusterIPs, "may only hold up to 2 values"))
    return errors if wrong else errors + _matching(service)


def _same_first(service: Service) -> list[FieldError]:
    one, all_ = service.spec.clusterIP, service.spec.clusterIPs
    if one and not all_:
        return [required(_IPS)]
    if one and all_[0] != one:
        return [invalid_value(_IPS, all_, "first value must match `clusterIP`")]
    if not one and all_:
        return [invalid_value(_IPS, all_, "must be empty when `clusterIP` is not specified")]
    return []


def _each_address(addresses: list[str]) -> list[FieldError]:
    errors = []
    for i, address in enumerate(addresses):
        if i == 0 and address == NONE_IP:
            if len(addresses) > 1:
                detail = "'None' must be the first and only value"
                errors.append(invalid_value(_IPS, addresses, detail))
        else:
            errors += ip_errors(address, _IPS.index(i))
    return errors


def _matching(service: Service) -> list[FieldError]:
    addresses, families = service.spec.clusterIPs, service.spec.ipFamilies
    errors = []
    if len(addresses) > 1 and len({family_of(a) for a in addresses}) < len(addresses):
        detail = "may specify no more than one IP for each IP family"
        errors.append(invalid_value(_IPS, addresses, detail))
    if is_headless(service):
        return errors
    for i, (address, family) in enumerate(zip(addresses, families, strict=False)):
        if family in (IPV4, IPV6) and family_of(address) != family:
            detail = f"expected an {family} value as indicated by `ipFamilies[{i}]`"
            errors.append(invalid_value(_IPS.index(i), address, detail))
    return errors


def address_change_errors(new: Service, old: Service) -> list[FieldError]:
    """The first address stays; the second one may come and, if that is said, go."""
    if EXTERNAL_NAME in (new.spec.type, old.spec.type) or (is_headless(new) and is_headless(old)):
        return []
    before, after = old.spec.clusterIPs, new.spec.clusterIPs
    changed = invalid_value(_IPS.index(0), after, _CHANGED)
    if len(before) == len(after):
        return [
            invalid_value(_IPS.index(i), after, _CHANGED)
            for i, (one, other) in enumerate(zip(before, after, strict=True))
            if one != other
        ]
    errors = []
    if len(before) > len(after) and not after:
        detail = "primary clusterIP can not be unset"
        errors.append(invalid_value(_IPS.index(0), after, detail))
    if before and after and before[0] != after[0]:
        errors.append(changed)
    if len(before) > len(after) == 1 and new.spec.ipFamilyPolicy != SINGLE_STACK:
        detail = "must be set to 'SingleStack' when releasing the secondary clusterIP"
        errors.append(invalid_value(_POLICY, new.spec.ipFamilyPolicy, detail))
    return errors


def family_change_errors(new: Service, old: Service) -> list[FieldError]:
    """The same for the families of addresses."""
    if EXTERNAL_NAME in (new.spec.type, old.spec.type) or is_headless(new) or is_headless(old):
        return []
    before, after = old.spec.ipFamilies, new.spec.ipFamilies
    at = _FAMILIES.index(0)
    if len(before) == len(after):
        pairs = zip(before, after, strict=True)
        return [invalid_value(at, after, _CHANGED) for one, other in pairs if one != other]
    errors = []
    if len(before) > len(after) and not new.spec.clusterIPs:
        errors.append(invalid_value(at, after, "primary ipFamily can not be unset"))
    if before and after and before[0] != after[0]:
        errors.append(invalid_value(at, new.spec.clusterIPs, _CHANGED))
    if len(before) > len(after) == 1 and new.spec.ipFamilyPolicy != SINGLE_STACK:
        detail = "must be set to 'SingleStack' when releasing the secondary ipFamily"
        errors.append(invalid_value(_POLICY, new.spec.ipFamilyPolicy, detail))
    return errors
