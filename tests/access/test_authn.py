"""Who is asking: certificates, the union of authenticators, anonymous paths."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from strongroom.access.authn.anonymous import Anonymous
from strongroom.access.authn.authorities import Authorities
from strongroom.access.authn.port import AuthenticationFailed, Credentials
from strongroom.access.authn.union import GroupAdder, UnionAuthenticator
from strongroom.access.authn.x509 import CREDENTIAL_ID, X509Authenticator
from strongroom.access.user import User
from strongroom.server.certificates import Wanted, issue, make_ca

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self, now: datetime = NOW) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


CA = make_ca(NOW)


def nameless(organization: str) -> bytes:
    authority = x509.load_pem_x509_certificate(CA.certificate)
    key = load_pem_private_key(CA.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)])
    made = (
        x509.CertificateBuilder(authority.subject, subject, key.public_key(), 1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.DER)


def certificate(name: str, *organizations: str) -> bytes:
    pair = issue(CA, Wanted(name, organizations, client=True), NOW)
    return x509.load_pem_x509_certificate(pair.certificate).public_bytes(Encoding.DER)


def certificates_of(clock: Clock, **options: int) -> X509Authenticator:
    authorities = Authorities([x509.load_pem_x509_certificate(CA.certificate)])
    return X509Authenticator(authorities, clock, **options)


def offering(der: bytes | None, path: str = "/") -> Credentials:
    return Credentials({}, der, path)


async def test_common_name_is_the_user_and_organizations_are_the_groups() -> None:
    user = await certificates_of(Clock()).authenticate(offering(certificate("jane", "a", "b")))
    assert user is not None
    assert (user.name, user.groups) == ("jane", ("a", "b"))
    assert user.extra[CREDENTIAL_ID][0].startswith("X509SHA256=")


async def test_no_certificate_is_no_user() -> None:
    assert await certificates_of(Clock()).authenticate(offering(None)) is None


async def test_a_certificate_without_a_common_name_is_no_user() -> None:
    der = nameless("system:masters")
    assert await certificates_of(Clock()).authenticate(offering(der)) is None


@pytest.mark.parametrize("days", [-1, 366])
async def test_a_certificate_outside_its_dates_fails_even_when_it_is_known(days: int) -> None:
    clock, der = Clock(), certificate("jane")
    authenticator = certificates_of(clock)
    assert await authenticator.authenticate(offering(der)) is not None
    clock.moment = NOW + timedelta(days=days)
    with pytest.raises(AuthenticationFailed):
        await authenticator.authenticate(offering(der))


async def test_what_is_no_certificate_fails() -> None:
    with pytest.raises(AuthenticationFailed):
        await certificates_of(Clock()).authenticate(offering(b"\x30\x03abc"))


async def test_only_the_newest_identities_are_kept() -> None:
    authenticator = certificates_of(Clock(), keep=2)
    for name in ("a", "b", "c"):
        await authenticator.authenticate(offering(certificate(name)))
    assert len(authenticator._vouched._known) == 2


class Fixed:
    """An authenticator with a fixed answer."""

    def __init__(self, answer: User | Exception | None) -> None:
        self.answer = answer

    async def authenticate(self, credentials: Credentials) -> User | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


FAILED = AuthenticationFailed("no")
JANE = User("jane")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], None),
        ([None, None], None),
        ([None, JANE], "jane"),
        ([FAILED, JANE], "jane"),
        ([JANE, FAILED], "jane"),
        ([None, FAILED], "failed"),
        ([FAILED, None], "failed"),
    ],
)
async def test_union(answers: list[User | Exception | None], expected: str | None) -> None:
    union = UnionAuthenticator([Fixed(answer) for answer in answers])
    if expected == "failed":
        with pytest.raises(AuthenticationFailed):
            await union.authenticate(offering(None))
        return
    user = await union.authenticate(offering(None))
    assert (user.name if user else None) == expected


@pytest.mark.parametrize(
    ("user", "groups"),
    [
        (User("jane", groups=("a",)), ("a", "system:authenticated")),
        (User("jane", groups=("system:authenticated",)), ("system:authenticated",)),
        (User("system:anonymous", groups=("system:unauthenticated",)), ("system:unauthenticated",)),
    ],
)
async def test_group_adder(user: User, groups: tuple[str, ...]) -> None:
    found = await GroupAdder(Fixed(user)).authenticate(offering(None))
    assert found is not None
    assert found.groups == groups


@pytest.mark.parametrize(
    ("answer", "path", "expected"),
    [
        (None, "/livez", "system:anonymous"),
        (None, "/livez/ping", None),
        (None, "/api", None),
        (JANE, "/livez", "jane"),
        (FAILED, "/livez", "failed"),
    ],
)
async def test_anonymous_paths(
    answer: User | Exception | None, path: str, expected: str | None
) -> None:
    authenticator = Anonymous(Fixed(answer), frozenset({"/livez"}))
    if expected == "failed":
        with pytest.raises(AuthenticationFailed):
            await authenticator.authenticate(offering(None, path))
        return
    user = await authenticator.authenticate(offering(None, path))
    assert (user.name if user else None) == expected


def test_credentials_show_nothing_in_their_repr() -> None:
    shown = repr(Credentials({"authorization": "Bearer canary"}, b"canary"))
    assert "canary" not in shown
