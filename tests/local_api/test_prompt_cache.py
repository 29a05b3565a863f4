"""The model of the prompt cache, by its own clock."""

from autod_lib.local_api.prompt_cache import Asked, CacheUse, PromptCache, Segment

OLD = Asked(has_breakpoints=False, settings=1, key="k", mode="automatic", lifetime="in_memory")
EXPLICIT = Asked(has_breakpoints=True, settings=1, key="k", mode="explicit", lifetime="30m")
IMPLICIT = EXPLICIT._replace(mode="implicit")


def tokens(start: int, count: int) -> Segment:
    """A text of so many tokens that no other start has."""
    ids = tuple(range(start, start + count))
    return Segment(count, hash(ids), ids)


def prefix(count: int = 2000, lifetime: str = "30m") -> Segment:
    """A static part with a breakpoint at its end."""
    return tokens(0, count)._replace(breakpoint=lifetime, ends_static=True)


def document(number: int, count: int = 500) -> Segment:
    """A document of its own."""
    return tokens(1_000_000 * number, count)


def test_an_older_model_reads_the_common_prefix_in_steps_of_128():
    """2,000 common tokens are read as 1,920, and writing them was free."""
    cache = PromptCache()

    assert cache.use([tokens(0, 2000), document(1)], OLD, 0) == CacheUse(0)
    assert cache.use([tokens(0, 2000), document(2)], OLD, 1) == CacheUse(1920)


def test_an_older_model_finds_the_prefix_wherever_the_parts_are_cut():
    """What counts is the sequence of tokens, not how a client divides it into parts."""
    cache = PromptCache()
    cache.use([tokens(0, 3000)], OLD, 0)

    assert cache.use([tokens(0, 1300), tokens(1300, 1700)], OLD, 1) == CacheUse(2944)


def test_nothing_below_1024_tokens_is_cached():
    """1,023 tokens never read anything; 1,024 do, on both kinds of model."""
    cache = PromptCache()
    for count, read in ((1023, 0), (1024, 1024)):
        for asked in (OLD, EXPLICIT):
            cache.use([prefix(count)], asked, 0)
            assert cache.use([prefix(count)], asked, 1).cached == read


def test_an_explicit_breakpoint_writes_the_prefix_once_and_is_read_by_other_documents():
    """The document behind the breakpoint is neither written nor read."""
    cache = PromptCache()

    assert cache.use([prefix(), document(1)], EXPLICIT, 0) == CacheUse(0, 2000, 0)
    assert cache.use([prefix(), document(2)], EXPLICIT, 1) == CacheUse(2000, 0, 0)


def test_a_prefix_of_another_length_is_not_read_from_gpt_5_6_on():
    """A breakpoint matches exactly or not at all, however much is common."""
    cache = PromptCache()
    cache.use([prefix(2000)], EXPLICIT, 0)

    assert cache.use([prefix(2001)], EXPLICIT, 1) == CacheUse(0, 2001, 0)


def test_explicit_mode_without_breakpoints_uses_no_cache():
    """Nothing is written that nobody asked to write."""
    cache = PromptCache()
    plain = [tokens(0, 5000)]
    cache.use(plain, EXPLICIT, 0)

    assert cache.use(plain, EXPLICIT, 1) == CacheUse()


def test_implicit_mode_writes_every_document_and_reads_nothing_of_another():
    """The one breakpoint is at the end of the newest message, so each document is a prefix of its own."""
    cache = PromptCache()
    static = tokens(0, 2000)._replace(ends_static=True)

    assert cache.use([static, document(1)], IMPLICIT, 0) == CacheUse(0, 2500, 0)
    assert cache.use([static, document(2)], IMPLICIT, 1) == CacheUse(0, 2500, 0)
    assert cache.use([static, document(2)], IMPLICIT, 2) == CacheUse(2500, 0, 0)


def test_the_other_report_on_implicit_mode_reads_the_system_messages():
    """With `reads_system`, the second document reads the static part and writes only itself."""
    cache = PromptCache(reads_system=True)
    static = tokens(0, 2000)._replace(ends_static=True)
    cache.use([static, document(1)], IMPLICIT, 0)

    assert cache.use([static, document(2)], IMPLICIT, 1) == CacheUse(2000, 500, 0)


def test_a_read_renews_the_lifetime():
    """Half an hour counts from the last read: minute 25 and 50 read, minute 81 must write again."""
    cache = PromptCache()
    cache.use([prefix()], EXPLICIT, 0)

    assert [cache.use([prefix()], EXPLICIT, 60 * minute).cached for minute in (25, 50, 81)] == [2000, 2000, 0]


def test_lifetimes_are_counted_apart():
    """A prefix for 12 hours and one for 30 minutes behind it: each stretch under its own lifetime, and no token twice."""
    cache = PromptCache()
    second = document(1)._replace(breakpoint="30m")

    assert cache.use([prefix(2000, "12h"), second], EXPLICIT, 0) == CacheUse(0, 500, 2000)
    assert cache.use([prefix(2000, "12h"), second], EXPLICIT, 3 * 3600) == CacheUse(2000, 500, 0)


def test_a_changed_setting_is_another_prefix():
    """Effort, verbosity, schema and model are part of what is cached."""
    cache = PromptCache()
    cache.use([prefix()], EXPLICIT, 0)

    assert cache.use([prefix()], EXPLICIT._replace(settings=2), 1).cached == 0


def test_the_sixteenth_request_of_a_minute_goes_to_a_machine_that_must_write_anew():
    """15 a minute stay together; the next writes, is then read itself, and a minute later all fit on the first machine again."""
    cache = PromptCache()
    uses = [cache.use([prefix(), document(number)], EXPLICIT, number) for number in range(17)]

    assert [number for number, use in enumerate(uses) if use.written_30m] == [0, 15]
    assert uses[16] == CacheUse(2000, 0, 0)
    assert cache.use([prefix(), document(99)], EXPLICIT, 70) == CacheUse(2000, 0, 0)


def test_spill_can_be_switched_off():
    """With no limit a machine, a hundred requests of one minute share one write."""
    cache = PromptCache(a_machine=0)
    uses = [cache.use([prefix(), document(number)], EXPLICIT, number / 10) for number in range(100)]

    assert [number for number, use in enumerate(uses) if use.written_30m] == [0]


def test_without_a_key_requests_land_on_different_machines():
    """From gpt-5.6 on, a missing key pays a write for each of a few machines."""
    cache = PromptCache()
    keyless = EXPLICIT._replace(key=None)
    writes = [bool(cache.use([prefix()], keyless, second).written_30m) for second in range(8)]

    assert writes == [True] * 4 + [False] * 4


def test_calls_that_start_together_each_write_the_prefix():
    """What is being written can be read only when its request has been answered."""
    cache = PromptCache()
    first = cache.use([prefix()], EXPLICIT, 0, takes_s=0.5)
    together = cache.use([prefix()], EXPLICIT, 0.1, takes_s=0.5)
    after = cache.use([prefix()], EXPLICIT, 0.6, takes_s=0.5)

    assert (first.written_30m, together.written_30m, after.cached) == (2000, 2000, 2000)


def test_beside_the_implicit_breakpoint_only_the_latest_three_explicit_ones_count():
    """With four explicit ones in implicit mode, the first is not written."""
    cache = PromptCache()
    four = [document(number, 1100)._replace(breakpoint="30m") for number in range(4)]
    cache.use([*four, document(9)], IMPLICIT, 0)

    assert cache.use(four[:1], EXPLICIT, 1).cached == 0
    assert cache.use(four[:2], EXPLICIT, 2).cached == 2200
