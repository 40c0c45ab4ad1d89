import numpy as np
import pytest
from forecast.simulation.play import CHANCE, RATE_CAP, WINDOW, act_numbers, negative_binomial, philox
from scipy import stats

ALL = 0xFFFFFFFF
# The file kat_vectors of Random123, lines "philox4x32 10"; the last has the digits of π.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((ALL, ALL, ALL, ALL), (ALL, ALL), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_random_words_are_the_known_answers_of_philox(counter, key, words):
    assert " ".join(f"{int(word):08x}" for word in philox(*counter, *key)) == words


def test_numbers_of_acts_are_uniform_and_independent():
    keys = np.array([1, 2, 1 + (1 << 32)], dtype=np.uint64)
    seed = np.array([11, 12], dtype=np.int64)
    found = [act_numbers(np.arange(100), 100, keys, purpose, seed) for purpose in (CHANCE, WINDOW)]
    rows = np.concatenate(found).reshape(6, -1)
    for row in rows:
        assert stats.kstest(row, "uniform").pvalue > 1e-5
    # Two keys, and two purposes, have numbers of their own, whichever half of the key differs.
    correlation = np.corrcoef(rows)[np.triu_indices(6, 1)]
    assert np.abs(correlation).max() < 4.5 / np.sqrt(rows.shape[1])


@pytest.mark.parametrize("shape", [0.05, 0.7, 3.0, 80.0, 1e8])
@pytest.mark.parametrize("mean", [1e-4, 0.03, 1.0, 12.5, RATE_CAP])
def test_negative_binomial_quantiles_are_scipys(shape, mean):
    uniform = np.random.default_rng(1).random(500)
    ours = [negative_binomial(one, mean, shape) for one in uniform]
    np.testing.assert_array_equal(ours, stats.nbinom.ppf(uniform, shape, shape / (shape + mean)).astype(int))


def test_a_mean_of_zero_gives_no_acts_and_the_last_uniform_number_ends_the_search():
    assert [negative_binomial(one, 0.0, 1.0) for one in (0.0, 0.5, 1 - 1e-16)] == [0, 0, 0]
    count = negative_binomial(np.nextafter(1.0, 0.0), 1.0, 2.0)
    assert 30 < count < 60, count  # P(N ≥ n) falls below 2⁻⁵³ near n = 38


def test_counts_rise_with_their_mean_for_the_same_uniform():
    rng = np.random.default_rng(6)
    each = zip(rng.random(4000), rng.random(4000) * 5, rng.random(4000) * 3 + 0.1, strict=True)
    for (uniform, mean, shape), more in zip(each, rng.random(4000), strict=True):
        assert negative_binomial(uniform, mean + more, shape) >= negative_binomial(uniform, mean, shape)
