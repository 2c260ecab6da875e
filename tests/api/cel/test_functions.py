"""The libraries, by the examples of upstream's documentation."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.cel import CelError, compile_expression

TRUE = """
[1, 2, 3].isSorted()
!['b', 'a'].isSorted()
[1, 3].sum() == 4 && [1.5, 1.5].sum() == 3.0 && [].sum() == 0
[duration('1m'), duration('1s')].sum() == duration('1m1s')
[1, 3].max() == 3 && ['a', 'b'].min() == 'a'
[1, 2, 2, 3].indexOf(2) == 1 && ['a', 'b', 'b'].lastIndexOf('b') == 2 && [1.0].indexOf(1.1) == -1
[1, 2, 3].includes(2) && 'model-a'.includes('model-a') && !'model-a'.includes('model-b')
[1, [2, 3], [4]].flatten() == [1, 2, 3, 4] && [1, [2, [3]]].flatten(2) == [1, 2, 3]
[1, 2, 3, 4].slice(1, 3) == [2, 3] && [3, 1, 2].sort() == [1, 2, 3]
['bb', 'a'].sortBy(x, size(x)) == ['a', 'bb']
[1, 2, 1].distinct() == [1, 2] && [1, 2].reverse() == [2, 1] && lists.range(3) == [0, 1, 2]
[1, 2].first().value() == 1 && [1, 2].last().value() == 2 && !(dyn([]).first().hasValue())
sets.contains([1, 2, 3], [2]) && !sets.contains([1], [2]) && sets.contains([], [])
sets.equivalent([1, 1], [1]) && !sets.equivalent([1], [1, 2])
sets.intersects([1], [1, 2]) && !sets.intersects([1], [])
'hello'.charAt(4) == 'o' && 'hello'.charAt(5) == ''
'hello mellow'.indexOf('') == 0 && 'hello mellow'.indexOf('ello') == 1
'hello mellow'.indexOf('ello', 2) == 7 && 'hello mellow'.indexOf('jello') == -1
'hello mellow'.lastIndexOf('ello') == 7 && 'hello mellow'.lastIndexOf('ello', 6) == 1
['hello', 'mellow'].join() == 'hellomellow' && ['hello', 'mellow'].join(' ') == 'hello mellow'
'TacoCÆt'.lowerAscii() == 'tacocÆt' && 'TacoCÆt Xii'.upperAscii() == 'TACOCÆT XII'
'hello hello'.replace('he', 'we') == 'wello wello'
'hello hello'.replace('he', 'we', 1) == 'wello hello' && 'ab'.replace('', '_') == '_a_b_'
'hello hello hello'.split(' ') == ['hello', 'hello', 'hello']
'hello hello hello'.split(' ', 2) == ['hello', 'hello hello'] && 'a b'.split(' ', 0) == []
'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco'
'  \\ttrim\\n    '.trim() == 'trim'
strings.quote('single-quote with "double quote"') == '"single-quote with \\\\"double quote\\\\""'
'%s %d %.2f %x %o %b'.format(['a', 1, 1.5, 255, 8, true]) == 'a 1 1.50 ff 10 1'
'%e'.format([1.5]) == '1.500000e+00'
'%s'.format([{'a': [1, 2.5, null, true]}]) == '{a: [1, 2.5, null, true]}'
'100%%'.format([]) == '100%'
'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''
'123 abc 456'.findAll('[0-9]+') == ['123', '456'] && '1 2 3'.findAll('[0-9]', 2) == ['1', '2']
'foobar'.matches('o+') && !'foobar'.matches('^o+$')
url('https://example.com:80/').getScheme() == 'https' && url('/path').getScheme() == ''
url('https://example.com:80/').getHost() == 'example.com:80'
url('https://[::1]:80/').getHostname() == '::1' && url('https://example.com:80/').getPort() == '80'
url('https://example.com/path with spaces/').getEscapedPath() == '/path%20with%20spaces/'
url('https://example.com/path?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']}
isURL('https://user:pass@example.com:80/path?query=val#fragment') && !isURL('../relative-path')
isURL('/absolute-path') && !isURL('https://a:b:c/') && !isURL(':foo/bar')
ip('127.0.0.1').family() == 4 && ip('::1').family() == 6
isIP('127.0.0.1') && !isIP('127.0.0.256') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%en0')
ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD')
ip('0.0.0.0').isUnspecified() && ip('127.0.0.1').isLoopback() && ip('::1').isLoopback()
ip('224.0.0.1').isLinkLocalMulticast() && !ip('224.0.1.1').isLinkLocalMulticast()
ip('169.254.169.254').isLinkLocalUnicast() && ip('fd80::abcd').isGlobalUnicast()
ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()
ip('127.0.0.1') == ip('127.0.0.1') && string(ip('::1')) == '::1'
cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) && !cidr('10.0.0.0/8').containsIP('11.0.0.1')
cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24') && cidr('::/0').prefixLength() == 0
cidr('192.168.0.1/24').ip() == ip('192.168.0.1')
cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24')
isCIDR('::1/128') && !isCIDR('1.2.3.4/33') && !isCIDR('1.2.3.4')
string(cidr('10.0.0.0/8')) == '10.0.0.0/8'
isQuantity('1.3G') && isQuantity('1000m') && !isQuantity('1,3G') && !isQuantity('Three')
quantity('50000000G').isInteger() && quantity('50k').asInteger() == 50000
!quantity('1.5').isInteger()
quantity('200M').compareTo(quantity('0.2G')) == 0
quantity('50M').compareTo(quantity('50Mi')) == -1
quantity('150Mi').isGreaterThan(quantity('100Mi')) && quantity('50M').isLessThan(quantity('100M'))
quantity('50k').add(quantity('20')) == quantity('50020')
quantity('50k').sub(20000) == quantity('30k')
quantity('-5').sign() == -1 && quantity('500m').asApproximateFloat() == 0.5
isSemver('1.0.0') && !isSemver('v1.0') && isSemver('v1.0', true) && !isSemver('hello')
semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3
semver('1.2.3').compareTo(semver('2.0.0')) < 0 && semver('1.0.0-rc.2').isLessThan(semver('1.0.0'))
semver('1.0.0-alpha.9').isLessThan(semver('1.0.0-alpha.10'))
semver('v01.01', true) == semver('1.1.0')
!format.dns1123Label().validate('my-label').hasValue()
format.dns1123Label().validate('contains a space').value().size() == 1
format.named('dns1123Label').hasValue() && !format.named('unknown').hasValue()
format.uuid().validate('x').value() == ['does not match the UUID format']
!format.date().validate('2021-01-01').hasValue() && format.date().validate('2021-13-01').hasValue()
!format.datetime().validate('2021-01-01T00:00:00Z').hasValue()
!format.byte().validate('aGk=').hasValue()
timestamp('2023-08-28T12:34:56.789Z').getMilliseconds() == 789
timestamp('2023-08-28T12:34:56Z').getDayOfWeek() == 1
timestamp('2023-08-28T00:00:00Z').getMonth() == 7
timestamp('2023-08-28T12:00:00Z').getHours('Europe/Berlin') == 14
timestamp('2023-08-28T12:00:00Z').getHours('-02:30') == 9
timestamp('2023-08-28T12:00:00Z') + duration('90m') == timestamp('2023-08-28T13:30:00Z')
timestamp('2023-08-28T12:00:00Z') - timestamp('2023-08-28T11:00:00Z') == duration('1h')
duration('1h30m').getMinutes() == 90 && string(duration('1.5s')) == '1.5s'
string(timestamp('2023-08-28T12:00:00.500Z')) == '2023-08-28T12:00:00.5Z'
int(timestamp('1970-01-01T00:01:00Z')) == 60
"""


@pytest.mark.parametrize("expression", TRUE.strip().splitlines())
def test_examples(expression: str) -> None:
    assert compile_expression(expression, []).evaluate({}) is True


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("[].min()", "min called on empty list"),
        ("[].max()", "max called on empty list"),
        ("'a'.charAt(3)", "index out of range: 3"),
        ("'tacocat'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
        (
            "'%d'.format(['a'])",
            (
                "error during formatting: decimal clause can only be used on integers, "
                "was given string"
            ),
        ),
        ("'%s'.format([])", "index 0 out of range"),
        ("url('../x')", "URL parse error during conversion from string: invalid URI for request"),
        ("ip('hunter2').family()", "IP Address parse error during conversion from string"),
        ("quantity('1.5').asInteger()", "cannot convert value to integer"),
        (
            "duration('hunter2')",
            "type conversion error from 'string' to 'google.protobuf.Duration'",
        ),
        (
            "timestamp('hunter2')",
            "type conversion error from 'string' to 'google.protobuf.Timestamp'",
        ),
        ("[1, 2].slice(1, 5)", "cannot slice(1, 5), list is length 2"),
    ],
)
def test_errors_say_what_is_wrong_and_not_the_value(expression: str, message: str) -> None:
    with pytest.raises(CelError) as failure:
        compile_expression(expression, []).evaluate({})
    assert str(failure.value) == message


def test_an_authorizer_is_asked_when_it_has_no_answer() -> None:
    from strongroom.api.cel.functions.authorizer import (
        AUTHORIZER_VARIABLES,
        Answer,
        AuthorizerValue,
        Check,
        Unanswered,
    )

    text = "authorizer.group('apps').resource('deployments').namespace('d').check('get').allowed()"
    program = compile_expression(text, AUTHORIZER_VARIABLES, result="bool")
    answers: dict[Check, Answer] = {}
    variables: dict[str, Any] = {"authorizer": AuthorizerValue(answers)}
    with pytest.raises(Unanswered) as question:
        program.evaluate(variables)
    asked = question.value.check
    assert asked == Check(verb="get", group="apps", resource="deployments", namespace="d")
    answers[asked] = Answer(allowed=True)
    assert program.evaluate(variables) is True
