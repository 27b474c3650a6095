from penstock.pacing.appetite import LATELY, Appetite


def test_who_has_sent_nothing_yet_could_send_faster() -> None:
    assert Appetite().need == (0.0, True)


def test_a_machine_that_is_a_little_late_is_no_want_of_rows() -> None:
    appetite = Appetite()
    appetite.look(100.0, 0.05)
    assert appetite.need.is_short
    appetite.look(100.0, 0.5)
    assert not appetite.need.is_short


def test_the_most_of_the_last_few_heartbeats_counts() -> None:
    appetite = Appetite()
    appetite.look(100.0, 0.5)
    for _ in range(LATELY - 1):
        appetite.look(100.0, 0.9)
    assert appetite.need.lately == 50.0
    appetite.look(100.0, 1.0)
    assert 9.0 < appetite.need.lately < 11.0
