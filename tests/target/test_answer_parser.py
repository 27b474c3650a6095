"""However the network slices an answer, it reads the same; and nothing of one answer is left for the next."""

from __future__ import annotations

import gzip
import tracemalloc
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.target.answer_parser import MAX_BODY, AnswerParser, BadAnswer
from penstock.target.base import Answer
from penstock.target.heads import KnownHeads

bodies = st.binary(max_size=300)
names = st.from_regex(r"\AX-[A-Za-z0-9-]{0,20}\Z")
values = st.from_regex(r"\A([!-~][ !-~\x80-\xff]{0,30}[!-~])?\Z").map(lambda text: text.encode("latin-1"))


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, Answer]:
    """An answer as bytes, and as it must be read."""
    status = draw(st.sampled_from([200, 201, 299, 301, 400, 404, 422, 429, 500, 503, 599, 999]))
    body = draw(bodies)
    headers = draw(st.lists(st.tuples(names.map(str.encode), values), max_size=5))
    packed = body
    if draw(st.booleans()) and body:
        packed = gzip.compress(body)
        headers.append((b"Content-Encoding", draw(st.sampled_from([b"gzip", b"x-gzip", b"GZIP"]))))
    if draw(st.booleans()):
        headers.append((b"Transfer-Encoding", b"chunked"))
        packed = draw(chunks(packed))
    else:
        headers.append((b"Content-Length", str(len(packed)).encode()))
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nX-Hint: 1\r\n\r\n"]))
    head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    whole = interim + b"HTTP/1.1 %d Whatever\r\n" % status + head + b"\r\n" + packed
    return whole, Answer(
        status, [(name.decode().lower(), value.decode("latin-1")) for name, value in headers], body, True
    )


@st.composite
def chunks(draw: st.DrawFn, body: bytes) -> bytes:
    sliced = slices(body, draw(st.lists(st.integers(0, len(body)), max_size=4)))
    trailer = draw(st.sampled_from([b"", b"X-Trailer: 1\r\n"]))
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in sliced) + b"0\r\n" + trailer + b"\r\n"


def slices(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in pairwise(ends) if start < end]


@given(st.lists(answers(), min_size=1, max_size=4), st.data())
def test_answers_read_the_same_however_they_are_sliced(sent: list[tuple[bytes, Answer]], data: st.DataObject) -> None:
    parser = AnswerParser(KnownHeads())
    for whole, expected in sent:
        parser.next()
        cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=12))
        *early, last = slices(whole, cuts)
        for piece in early:
            assert parser.feed(piece) is None
        assert parser.feed(last) == expected
        assert parser.keeps_open
        assert not parser.has_strays


@given(answers(), st.binary(max_size=300), st.data())
def test_a_head_that_is_known_means_the_same(sent: tuple[bytes, Answer], other: bytes, data: st.DataObject) -> None:
    """Whatever is fed: whole, cut, with another body behind the head, with more behind the answer."""
    whole, answer = sent
    heads = KnownHeads()
    AnswerParser(heads).feed(whole)
    head = whole[: whole.find(b"\r\n\r\n") + 4]
    fed = data.draw(
        st.sampled_from([whole, whole[: data.draw(st.integers(0, len(whole)))], whole + other, head + other])
    )
    assert read(fed, heads) == read(fed, KnownHeads())
    assert read(whole, heads)[0] == answer


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    ("before", "fed"),
    [
        (PLAIN, PLAIN[:-2] + b"[]"),
        (PLAIN, PLAIN[:-1]),
        (PLAIN, PLAIN[:-2]),
        (PLAIN, PLAIN + b" "),
        (PLAIN, PLAIN + PLAIN),
        (PLAIN, PLAIN.replace(b"200", b"201")),
        (PLAIN, PLAIN.replace(b"2\r", b"3\r") + b"!"),
        (PLAIN[:17] + b"Connection: close\r\n" + PLAIN[17:], PLAIN[:17] + b"Connection: close\r\n" + PLAIN[17:]),
        (b"HTTP/1.1 103 Early\r\n\r\n" + PLAIN, b"HTTP/1.1 103 Early\r\n\r\n" + PLAIN),
        (b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n{}"),
    ],
)
def test_whatever_is_known_an_answer_is_read_as_if_nothing_were(before: bytes, fed: bytes) -> None:
    heads = KnownHeads()
    AnswerParser(heads).feed(before)
    assert read(fed, heads) == read(fed, KnownHeads())


def test_bodies_that_look_like_answers_are_bodies() -> None:
    heads = KnownHeads()
    AnswerParser(heads).feed(PLAIN)
    parser = AnswerParser(heads)
    assert parser.feed(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(PLAIN)) is None
    assert parser.feed(PLAIN) == Answer(201, [("content-length", str(len(PLAIN)))], PLAIN)


def test_the_end_of_a_head_is_no_head() -> None:
    heads = KnownHeads()
    parser = AnswerParser(heads)
    assert parser.feed(PLAIN[:17]) is None
    assert parser.feed(PLAIN[17:]) is not None
    with pytest.raises(BadAnswer, match=r"is not HTTP/1\.1"):
        AnswerParser(heads).feed(PLAIN[17:])


def test_chunks_are_no_body() -> None:
    heads = KnownHeads()
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    for _ in range(2):
        answer = AnswerParser(heads).feed(chunked)
        assert answer is not None
        assert answer.body == b"{}"


def read(data: bytes, heads: KnownHeads) -> tuple[Answer | str | None, bool, bool, str]:
    """What comes of it, and what is known then of the connection."""
    parser = AnswerParser(heads)
    answer: Answer | str | None
    try:
        answer = parser.feed(data)
    except BadAnswer as bad:
        answer = str(bad)
    return answer, parser.has_strays, parser.keeps_open, parser.keep_alive


def test_what_is_known_of_heads_is_bounded_however_many_there_are() -> None:
    heads = KnownHeads()
    parser = AnswerParser(heads)
    tracemalloc.start()
    for number in range(20_000):
        parser.next()
        parser.feed(b"HTTP/1.1 200 OK\r\nX-Number: %0500d\r\nContent-Length: 2\r\n\r\n{}" % number)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 500_000


@given(answers(), answers(), st.data())
def test_what_follows_an_answer_is_never_part_of_one(
    first: tuple[bytes, Answer], second: tuple[bytes, Answer], data: st.DataObject
) -> None:
    both = first[0] + second[0][: data.draw(st.integers(1, len(second[0])))]
    cut = data.draw(st.integers(0, len(first[0]) - 1))
    parser = AnswerParser(KnownHeads())
    assert parser.feed(both[:cut]) is None
    assert parser.feed(both[cut:]) == first[1]
    assert parser.has_strays


@given(answers(), st.data())
def test_a_cut_answer_is_none(sent: tuple[bytes, Answer], data: st.DataObject) -> None:
    whole = sent[0]
    parser = AnswerParser(KnownHeads())
    assert parser.feed(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None
    with pytest.raises(BadAnswer, match=r"cut off|without an answer"):
        parser.finish()


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_a_bad_one(data: bytes) -> None:
    parser = AnswerParser(KnownHeads())
    with suppress(BadAnswer):
        answer = parser.feed(b"HTTP/1.1 200 OK\r\n" + data) or parser.finish()
        assert answer.status == 200


def test_a_body_may_fill_the_cap_and_no_more() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    parser = AnswerParser(KnownHeads())
    answer = parser.feed(head % MAX_BODY + bytes(MAX_BODY))
    assert answer is not None
    assert len(answer.body) == MAX_BODY
    with pytest.raises(BadAnswer, match="larger than 8 MB"):
        AnswerParser(KnownHeads()).feed(head % (MAX_BODY + 1) + bytes(MAX_BODY + 1))


def test_a_chunked_body_is_capped_while_it_comes() -> None:
    parser = AnswerParser(KnownHeads())
    parser.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    for _ in range(8):
        assert parser.feed(chunk) is None
    with pytest.raises(BadAnswer, match="larger than 8 MB"):
        parser.feed(chunk)


def test_h28_a_bomb_is_not_unpacked_beyond_the_cap() -> None:
    bomb = gzip.compress(bytes(100 * 1024 * 1024))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(BadAnswer, match="larger than 8 MB"):
            AnswerParser(KnownHeads()).feed(head + bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BODY
    finally:
        tracemalloc.stop()


def test_gzip_in_a_few_pieces_is_put_together_and_in_ever_so_many_refused() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    few = b"".join([gzip.compress(b"%d," % number) for number in range(100)])
    answer = AnswerParser(KnownHeads()).feed(head % len(few) + few)
    assert answer is not None
    assert answer.body.count(b",") == 100
    many = gzip.compress(b"") * 101
    with pytest.raises(BadAnswer, match="more than 100 pieces"):
        AnswerParser(KnownHeads()).feed(head % len(many) + many)


def test_the_keep_alive_hint_is_handed_on() -> None:
    parser = AnswerParser(KnownHeads())
    parser.feed(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n")
    assert parser.keep_alive == "timeout=5"
    parser.next()
    assert parser.feed(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") is not None
    assert (parser.keep_alive, parser.keeps_open) == ("", False)


@pytest.mark.parametrize("body", [b"", b"ok", b'{"id":1}'])
def test_an_answer_without_a_length_ends_with_the_connection(body: bytes) -> None:
    parser = AnswerParser(KnownHeads())
    assert parser.feed(b"HTTP/1.1 200 OK\r\n\r\n" + body) is None
    assert parser.finish() == Answer(200, [], body, delimited=False)
    assert not parser.keeps_open
