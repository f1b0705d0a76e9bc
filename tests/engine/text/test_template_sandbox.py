"""Templates of strangers end, stay small and reach nothing."""

import json
from datetime import datetime

import pytest
from jinja2 import TemplateError

from bdchat.engine.text.template_sandbox import TemplateLimitExceeded, TemplateRaised, TemplateSandbox

MAX_CHARS = 100_000
SHARED_LIST = "{% set ns = namespace(x=[1]) %}{% for i in range(20) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"


def render(source: str, **variables: object) -> str:
    sandbox = TemplateSandbox(max_chars=MAX_CHARS, now=lambda: datetime(2026, 7, 8))
    return sandbox.from_string(source).render(**variables)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10**10 }}",
        "{{ 10**10 * 'a' }}",
        "{{ [0] * 10**10 }}",
        "{{ 10**10**10 }}",
        "{% set ns = namespace(x=2) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
        "{% set ns = namespace(x='aa') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x='aa') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% for i in range(9999) %}aaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}",
        "{% set x %}{% for i in range(9999) %}aaaaaaaaaaaaaaaaaaaaa{% endfor %}{% endset %}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%*d' % (999999999, 1) }}",
        "{{ '%.999999999f' % 1 }}",
        "{{ '%(a)999999999d' % {'a': 1} }}",
        "{{ '%s' | format('a' * 99999) ~ 'bb' }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ '{:{}}'.format(1, 999999999) }}",
        "{{ '{a:999999999}'.format_map({'a': 1}) }}",
        "{{ ('a' * 9999).replace('a', 'b' * 9999) }}",
        "{{ ('a' * 9999) | replace('a', 'b' * 9999) }}",
        "{{ ('a' * 9999).join('b' * 9999) }}",
        "{{ ('b' * 9999) | join('a' * 9999) }}",
        "{{ 'a' | indent(999999999, true) }}",
        "{{ [1] | tojson(indent=999999999) }}",
        "{{ 1.5 | round(99999999, 'floor') }}",
        "{{ [1] | batch(999999999, 'x') | list }}",
        "{{ [[0] * 9999] * 999 | sum(start=[]) }}",
        "{{ ([[0] * 9999] * 999) | sum(start=[]) }}",
        "{{ strftime_now('%999999999Y') }}",
        "{{ range(10**9) | list }}",
        *(
            SHARED_LIST + use
            for use in (
                "{{ ns.x }}",
                "{{ ns.x | tojson }}",
                "{{ ns.x | string | length }}",
                "{{ ns.x ~ '' }}",
                "{{ '%s' % (ns.x,) }}",
                "{{ '{}'.format(ns.x) }}",
                "{{ '{!r}'.format(ns.x) }}",
                "{{ [ns.x] | join }}",
                "{{ ns.x | upper }}",
                "{{ ns.x | trim }}",
                "{{ raise_exception(ns.x) }}",
            )
        ),
    ],
)
def test_growth_is_refused_before_it_happens(source: str) -> None:
    with pytest.raises((TemplateLimitExceeded, OverflowError, TypeError)):
        render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'].__mro__ }}",
        "{{ 'x' | attr('__class__') }}",
        "{{ [''] | map(attribute='__class__.__mro__') | list | first | first }}",
        "{{ '{0.__class__.__mro__}'.format(1) }}",
        "{{ ('{0.__class__.__mro__}' | format)('') }}",
        "{{ raise_exception.__globals__['x'] }}",
        "{{ self.__init__.__globals__['x'] }}",
        "{{ namespace.__init__.__globals__['x'] }}",
        "{{ (1).to_bytes(10**9, 'big') }}",
        "{{ 'a'.ljust(10**9) }}",
        "{{ 'a'.encode() }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update({'a': 1}) }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}{{ y }}",
        "{% extends 'x' %}",
        "{{ lipsum(10**9) }}",
    ],
)
def test_nothing_outside_is_reached(source: str) -> None:
    with pytest.raises((TemplateError, TypeError, ValueError)):
        render(source, messages=[{"role": "user"}])


def test_the_names_of_hugging_face_are_there() -> None:
    assert render("{{ {'a': '한 <b>&\\'', 'b': [1, none]} | tojson }}") == '{"a": "한 <b>&\'", "b": [1, null]}'
    assert json.loads(render("{{ {'a': 1} | tojson(indent=2) }}")) == {"a": 1}
    assert render("{{ strftime_now('%d %b %Y') }}") == "08 Jul 2026"
    assert render("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}") == "01"
    assert render("{% generation %}a{% endgeneration %}b") == "ab"
    assert render("{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}") == "1"
    assert render("  {% if true %}\nx\n  {% endif %}\ny") == "x\ny"
    assert render("{{ 'a%sb' | format(1) }}{{ 'a%d' % 2 }}{{ '{}-{x}'.format(3, x=4) }}") == "a1ba23-4"
    assert render("{{ [{'n': 'a'}, {'n': 'b'}] | join(', ', attribute='n') }}{{ [1, 2] | sum }}") == "a, b3"
    assert render("{{ 'a b'.replace('a', 'c') }}{{ 'a,b'.split(',') | join('+') }}{{ 'x\ny' | indent(2) }}") == (
        "c ba+bx\n  y"
    )
    assert render("{{ 2.55 | round(1) }}{{ [1, 2, 3] | batch(2) | list }}{{ '%' in 'a%' }}") == "2.5[[1, 2], [3]]True"


def test_raise_exception_carries_its_message() -> None:
    with pytest.raises(TemplateRaised, match="no system role"):
        render("{{ raise_exception('no system role') }}")
