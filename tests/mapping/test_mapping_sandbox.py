"""What a job file cannot do: reach Python behind the data, change data, or take all the memory. And rows even less."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError
from tests.mapping.conftest import Evaluate

from penstock.errors import JobError, RowError

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ name['__cl' ~ 'ass__'] }}",
    "{{ name | attr('__class__') }}",
    "{{ [name] | map(attribute='__class__') | list }}",
    "{{ [name] | map('attr', '__class__') | list }}",
    "{{ [row] | map(attribute='__class__.__mro__') | list }}",
    "{{ [name, name] | sort(attribute='__class__') }}",
    "{{ [name] | groupby('__class__') }}",
    "{{ [name] | selectattr('__class__') | list }}",
    "{{ [name] | sum(attribute='__class__') }}",
    "{{ [name] | join(',', attribute='__class__') }}",
    "{{ '{0.__class__}'.format(name) }}",
    "{{ '{0.__class__}' | format(name) | attr('x') }}",
    "{{ name.format.__globals__ }}",
    "{{ name.upper.__self__ }}",
    "{{ row.__init__.__globals__ }}",
    "{{ created.__reduce__() }}",
    "{{ created.tzinfo.__class__ }}",
    "{{ created.min }}",
    "{{ created.strftime('%Y') }}",
    "{{ self.__init__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ namespace() }}",
    "{{ joiner() }}",
    "{{ dict(a=1) }}",
    "{{ [].append(1) }}",
    "{{ items.append(1) }}",
    "{{ items.clear() }}",
    "{{ meta.update({'a': 2}) }}",
    "{{ meta.pop('a') }}",
    "{{ meta.setdefault('b', 1) }}",
    "{{ meta.__setitem__('b', 1) }}",
    "{{ name.index('d') }}",
    "{{ name.encode() }}",
    "{{ name.translate({}) }}",
    "{{ (name.upper)() ~ name.upper }}",
    "{{ __builtins__ }}",
    "{{ constant_0 }}",
    "{{ value }}",
    "{{ type(name) }}",
    "{{ eval('1') }}",
    "{{ loop.__class__ }}",
    "{{ true.__class__ }}",
    "{{ (1).__class__ }}",
    "{{ 1.0.real }}",
    "{{ id.denominator }}",
]

BOMBS = [
    "{{ 'a' * 10 ** 9 }}",
    "{{ 10 ** 9 * 'a' }}",
    "{{ 'a' * huge }}",
    "{{ [0] * huge }}",
    "{{ ('a' * 1000000) * 1000000 }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ huge ** huge }}",
    "{{ 9.5 ** (9 ** 9) }}",
    "{{ 1e300 ** 1e300 }}",
    "{{ range(10 ** 9) | list }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '%*d' | format(1000000000, 1) }}",
    "{{ '%.1000000000f' | format(1) }}",
    "{{ created | date('%1000000000d') }}",
    "{{ created | date('%-1000000000Y') }}",
    "{{ name.center(1000000000) }}",
    "{{ name.zfill(1000000000) }}",
    "{{ name.ljust(1000000000) }}",
    "{{ name | center(1000000000) }}",
    "{{ name | center(huge) }}",
    "{{ name | center(width=huge) }}",
    "{{ name | indent(1000000000, true) }}",
    "{{ [1] | batch(huge, 0) }}",
    "{{ [1] | slice(huge) }}",
    "{{ 1 | round(1000000000) }}",
    "{{ 1.5 | round(-1000000000) }}",
    "{{ '1e999999999' | int }}",
    "{{ '1e999999999' | from_json * 2 }}",
    "{{ long_text | replace('a', long_text) }}",
    "{{ nested | from_json }}",
    "{{ digits | int }}",
    "{{ digits | from_json }}",
]

# By the check of the job file, by the mapping when it meets the columns, or when the expression is evaluated.
REFUSED = (ValidationError, JobError, RowError)

ROW: dict[str, object] = {
    "id": 7,
    "name": "Ada",
    "created": datetime(2024, 1, 31, tzinfo=UTC),
    "items": [1],
    "meta": {"a": 1},
    "huge": 10**12,
    "long_text": "a" * 100_000,
    "nested": "[" * 100_000,
    "digits": "9" * 100_000,
}


@pytest.mark.parametrize("template", ESCAPES)
def test_nothing_but_data_is_within_reach(evaluate: Evaluate, template: str) -> None:
    row = {**ROW, "items": [1], "meta": {"a": 1}}
    with pytest.raises(REFUSED):
        evaluate(template, **row)
    assert row["items"] == [1]
    assert row["meta"] == {"a": 1}


@pytest.mark.parametrize("template", BOMBS)
def test_a_little_text_does_not_become_much_memory(evaluate: Evaluate, template: str) -> None:
    with pytest.raises(REFUSED) as error:
        evaluate(template, **ROW)
    assert "MemoryError" not in str(error.value)
