"""Ingress: rules by which requests from outside reach services. Kept and checked only.

Rules: ``ValidateIngress`` in ``pkg/apis/networking/validation``.
"""

from __future__ import annotations

import re
from datetime import datetime

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    dns_1035_label,
    dns_subdomain,
    invalid_value,
    not_supported,
    port_name,
    port_number,
    regex_text,
    required,
)
from strongroom.resources.addresses import ip_errors, parse_ip
from strongroom.resources.columns import AGE, NAME, NONE
from strongroom.resources.ingress_object import (
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressRule,
    IngressServiceBackend,
    IngressStatus,
    IngressTLS,
)
from strongroom.resources.ingressclass import reference_errors
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.service_status import hostname_errors

__all__ = ["INGRESSES", "Ingress", "IngressResource"]

_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_SUFFIXES = ("/..", "/.")
_WILDCARD = r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_WILDCARD_TEXT = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character"
)
_HOSTS_SHOWN = 3


class IngressResource(Resource[Ingress]):
    """The behaviour of Ingresses."""

    def prepare_for_create(self, obj: Ingress, now: datetime) -> None:
        obj.status = IngressStatus()
        obj.metadata.generation = 1

    def prepare_for_update(self, new: Ingress, old: Ingress, now: datetime) -> None:
        new.status = old.status
        new.metadata.generation = old.metadata.generation + (new.spec != old.spec)

    def validate(self, obj: Ingress) -> list[FieldError]:
        errors = _spec_errors(obj)
        annotation, name = (
            obj.metadata.annotations.get(_CLASS_ANNOTATION),
            obj.spec.ingressClassName,
        )
        if annotation is not None and name is not None and annotation != name:
            detail = "must match `ingressClassName` when both are specified"
            errors.append(
                invalid_value(Path("annotations") / _CLASS_ANNOTATION, annotation, detail)
            )
        return errors

    def validate_update(self, new: Ingress, old: Ingress) -> list[FieldError]:
        return _spec_errors(new)

    def warnings(self, new: Ingress, old: Ingress | None) -> list[str]:
        if old is None and _CLASS_ANNOTATION in new.metadata.annotations:
            text = f'annotation "{_CLASS_ANNOTATION}" is deprecated'
            return [f"{text}, please use 'spec.ingressClassName' instead"]
        return []


def _spec_errors(obj: Ingress) -> list[FieldError]:
    spec, path = obj.spec, Path("spec")
    errors = []
    if not spec.rules and spec.defaultBackend is None:
        detail = "either `defaultBackend` or `rules` must be specified"
        errors.append(invalid_value(path, None, detail))
    if spec.defaultBackend is not None:
        errors += _backend_errors(spec.defaultBackend, path / "defaultBackend")
    for i, rule in enumerate(spec.rules):
        errors += _rule_errors(rule, (path / "rules").index(i))
    for i, tls in enumerate(spec.tls):
        errors += _tls_errors(tls, (path / "tls").index(i))
    if (name := spec.ingressClassName) is not None:
        at = path / "ingressClassName"
        errors += [invalid_value(at, name, text) for text in dns_subdomain(name)]
    return errors


def _host_errors(host: str, path: Path) -> list[FieldError]:
    return [invalid_value(path, host, text) for text in _host_texts(host)]


def _host_texts(host: str) -> list[str]:
    if "*" not in host:
        return dns_subdomain(host)
    if re.fullmatch(_WILDCARD, host):
        return []
    return [regex_text(_WILDCARD_TEXT, _WILDCARD, "*.example.com")]


def _rule_errors(rule: IngressRule, path: Path) -> list[FieldError]:
    errors = []
    if rule.host:
        if parse_ip(rule.host) is not None:
            detail = "must be a DNS name, not an IP address"
            errors.append(invalid_value(path / "host", rule.host, detail))
        errors += _host_errors(rule.host, path / "host")
    if rule.http is not None:
        at = path / "http" / "paths"
        if not rule.http.paths:
            errors.append(required(at))
        for i, item in enumerate(rule.http.paths):
            errors += _path_errors(item, at.index(i))
    return errors


def _path_errors(item: HTTPIngressPath, path: Path) -> list[FieldError]:
    kind, text, at = item.pathType, item.path, path / "path"
    if kind is None:
        return [required(path / "pathType", "pathType must be specified")]
    errors = []
    if kind not in _PATH_TYPES:
        errors.append(not_supported(path / "pathType", kind, _PATH_TYPES))
    elif not text.startswith("/") and (text or kind != "ImplementationSpecific"):
        errors.append(invalid_value(at, text, "must be an absolute path"))
    if kind in ("Exact", "Prefix"):
        errors += [
            invalid_value(at, text, f"must not contain '{s}'") for s in _SEQUENCES if s in text
        ]
        errors += [
            invalid_value(at, text, f"cannot end with '{s}'") for s in _SUFFIXES if text.endswith(s)
        ]
    return errors + _backend_errors(item.backend, path / "backend")


def _backend_errors(backend: IngressBackend, path: Path) -> list[FieldError]:
    service, resource = backend.service, backend.resource
    if service is not None and resource is not None:
        return [invalid_value(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return reference_errors(resource, path / "resource")
    if service is not None:
        return _service_errors(service, path)
    return [invalid_value(path, "", "resource or service backend is required")]


def _service_errors(service: IngressServiceBackend, path: Path) -> list[FieldError]:
    name, port, at = service.name, service.port, path / "service"
    if name:
        errors = [invalid_value(at / "name", name, text) for text in dns_1035_label(name)]
    else:
        errors = [required(at / "name")]
    where = at / "port"
    if port.name and port.number:
        errors.append(invalid_value(path, "", "cannot set both port name & port number"))
    elif port.name:
        errors += [invalid_value(where / "name", port.name, text) for text in port_name(port.name)]
    elif port.number:
        number = port.number
        errors += [invalid_value(where / "number", number, text) for text in port_number(number)]
    else:
        errors.append(required(path, "port name or number is required"))
    return errors


def _tls_errors(tls: IngressTLS, path: Path) -> list[FieldError]:
    errors = []
    for i, host in enumerate(tls.hosts):
        errors += _host_errors(host, (path / "hosts").index(i))
    if name := tls.secretName:
        errors += [invalid_value(path / "secretName", name, text) for text in dns_subdomain(name)]
    return errors


def _merge_status(new: Ingress, old: Ingress) -> Ingress:
    new.spec = old.spec
    return new


def _validate_status(new: Ingress, old: Ingress) -> list[FieldError]:
    errors = []
    for i, entry in enumerate(new.status.loadBalancer.ingress):
        at = (Path("status") / "loadBalancer" / "ingress").index(i)
        errors += ip_errors(entry.ip, at / "ip") if entry.ip else []
        errors += hostname_errors(entry.hostname, at / "hostname")
    return errors


def _hosts(obj: Ingress, now: datetime) -> str:
    shown: list[str] = []
    more = False
    for rule in obj.spec.rules:
        more = more or len(shown) == _HOSTS_SHOWN
        if not more and rule.host:
            shown.append(rule.host)
    text = ",".join(shown) or "*"
    return f"{text} + {len(obj.spec.rules) - _HOSTS_SHOWN} more..." if more else text


def _address(obj: Ingress, now: datetime) -> str:
    return ",".join(sorted({e.ip or e.hostname for e in obj.status.loadBalancer.ingress} - {""}))


INGRESSES = IngressResource(
    group="networking.k8s.io",
    version="v1",
    kind="Ingress",
    plural="ingresses",
    singular="ingress",
    short_names=("ing",),
    type=Ingress,
    namespaced=True,
    columns=(
        NAME,
        Column(
            "Class",
            lambda obj, now: (
                NONE if obj.spec.ingressClassName is None else obj.spec.ingressClassName
            ),
            description="Class of the Ingress.",
        ),
        Column("Hosts", _hosts, description="Hosts for which there are rules."),
        Column("Address", _address, description="Where requests enter."),
        Column(
            "Ports",
            lambda obj, now: "80, 443" if obj.spec.tls else "80",
            description="Ports that are served.",
        ),
        AGE,
    ),
    subresources=(Subresource("status", _merge_status, _validate_status),),
    storage_prefix="ingress",
)
