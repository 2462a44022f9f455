"""Texts: tokens, batches, masks, views, swaps, and what is said of bad input."""

import re
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import tokenizers
import torch
from methods import KINDS
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch import nn

from sklearn_ssl import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    RotationPretrainer,
    SegmentOrderPretrainer,
    load,
)
from sklearn_ssl.encoders import TokenBag, TokenConvNet, Tokens, Transformer
from sklearn_ssl.encoders._transformer import rotate, rotations
from sklearn_ssl.modalities import Text, infer_modality
from sklearn_ssl.modalities.text._augment import mask_tokens, select_tokens
from sklearn_ssl.modalities.text._decoder import TokenDecoder, token_loss
from sklearn_ssl.modalities.text._tokens import END, MASK, SPECIAL, START, UNKNOWN
from sklearn_ssl.training import BatchLoader, Selection

LINES = KINDS["text"].X
FAST = {"max_epochs": 1, "random_state": 0, "on_collapse": "ignore"}


@pytest.fixture
def seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def rows(text, X):
    """Return each text as numbers of tokens, with start and end."""
    store = text.validate(X)
    batch = store[np.arange(len(store))]
    return [ids[:n].tolist() for ids, n in zip(batch.ids, batch.lengths, strict=True)]


def bounds(text):
    return text.special_[3], text.special_[4]


@pytest.mark.parametrize(
    "analyzer, ngram_range",
    [("word", (1, 1)), ("word", (1, 2)), ("char", (3, 3)), ("char", (1, 3)), ("char_wb", (2, 3))],
)
def test_tokens_are_those_of_count_vectorizer(analyzer, ngram_range):
    options = {"analyzer": analyzer, "ngram_range": ngram_range, "token_pattern": r"(?u)\b\w\w+\b"}
    X = [*LINES, "", "A  b\n c ", "x", "the thé THE"]
    text = Text(**options, max_features=None, min_df=1, max_length=None).fit(X)
    if analyzer != "word":
        del options["token_pattern"]
    counter = CountVectorizer(**options).fit(X)
    names = {number: token for token, number in text.vocabulary_.items()}
    for x, ids in zip(X, rows(text, X), strict=True):
        tokens = [names[i] for i in ids[1:-1]]
        assert sorted(tokens) == sorted(counter.build_analyzer()(x))


def test_vocabulary_is_of_the_most_frequent():
    X = ["b a a", "b a c", "c b b", "d"]
    text = Text(max_features=2).fit(X)
    assert text.vocabulary_ == {"b": 6, "a": 7}  # "c" is in two texts, but less frequent
    assert text.counts_.tolist() == [0, 3, 0, 0, 4, 0, 4, 3]
    assert rows(text, ["a x b", "B"]) == [[3, 7, UNKNOWN, 6, 4], [3, 6, 4]]
    assert set(Text(min_df=1, max_features=None, lowercase=False).fit(["B b", "b"]).vocabulary_) == {"B", "b"}


def test_long_texts_are_cut_and_have_no_end():
    text = Text(max_length=3, min_df=1).fit(["a b c d e", "a b c"])
    start, end = bounds(text)
    long, short = rows(text, ["a b c d e", "a b c"])
    assert long == short[:-1]
    assert (short[0], short[-1], len(short)) == (start, end, 5)
    assert "d" not in text.vocabulary_


def test_store_is_flat_and_batches_are_as_long_as_their_longest():
    text = Text().fit(LINES)
    store = text.validate(LINES)
    assert store.ids.dtype == np.int32
    assert len(store.ids) == store.lengths.sum()
    order = np.array([5, 2, 9])
    batch = Selection(store, order)[np.array([2, 0])]
    assert batch.ids.shape == (2, max(store.lengths[[9, 5]]))
    for ids, length, row in zip(batch.ids, batch.lengths, (9, 5), strict=True):
        assert ids[:length].tolist() == rows(text, LINES)[row]
        assert (ids[length:] == 0).all()


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_of_texts_are_filled_up_little(shuffle, seed):
    sizes = np.random.default_rng(0).integers(1, 200, 1000)
    X = ["x" * n for n in sizes]
    store = Text(max_length=None, analyzer="char", min_df=1).fit(X).validate(X)
    assert (store.lengths == sizes + 2).all()  # with start and end: nothing is cut off
    batches = [batch for batch, _ in BatchLoader(store, 20, shuffle=shuffle)]
    assert sorted(torch.cat([batch.lengths for batch in batches]).tolist()) == sorted(sizes + 2)
    assert sum(batch.ids.numel() for batch in batches) < 1.05 * sum(sizes + 2)


def test_neighbours_in_a_batch_and_padding_change_nothing():
    ssl = MaskedPretrainer(**FAST).fit(LINES)
    together = ssl.transform(LINES)
    np.testing.assert_allclose(ssl.transform(LINES[3:4]), together[3:4], atol=1e-5)
    np.testing.assert_allclose(ssl.transform(LINES[::-1])[::-1], together, atol=1e-5)
    for encoder in (ssl.encoder_, TokenConvNet(50).eval(), Transformer(50, 40, causal=True).eval()):
        ids = torch.randint(6, 50, (2, 20))
        with torch.no_grad():
            short = encoder(Tokens(ids[:1, :7], torch.tensor([7])))
            padded = encoder(Tokens(ids, torch.tensor([7, 20])))[:1]
        torch.testing.assert_close(short, padded, atol=1e-5, rtol=1e-4)


def test_attention_tells_how_far_apart_tokens_are_and_which_comes_first():
    x = torch.tensor([[6, 7, 8, 9] * 3])
    net = Transformer(50, 40).eval()
    with torch.no_grad():
        net.positions.weight.zero_()  # what is left is rotary
        h = net.tokens(Tokens(x, torch.tensor([12])))
        reverse = net.tokens(Tokens(x.flip(1), torch.tensor([12]))).flip(1)
    assert not torch.allclose(h[:, 4], reverse[:, 4], atol=1e-3)  # other neighbours to the left
    query, key = torch.randn(2, 32, dtype=torch.float64)
    places = [part.double() for part in rotations(40, 32, torch.device("cpu"))]
    likeness = rotate(query.expand(40, -1), *places) @ rotate(key.expand(40, -1), *places).T
    for apart in (-7, 0, 3):
        same = likeness.diagonal(apart)
        assert torch.allclose(same, same[0].expand(len(same)), atol=1e-4)
    assert likeness.diagonal(3)[0] != pytest.approx(float(likeness.diagonal(-3)[0]), abs=1e-3)


def test_a_transformer_whose_heads_cannot_be_turned_is_refused():
    with pytest.raises(ValueError, match="multiple of twice n_heads"):
        Transformer(50, 40, width=20, n_heads=4)


@pytest.mark.parametrize(
    "build", [lambda: Transformer(50, 40, causal=True), lambda: TokenConvNet(50, causal=True)]
)
def test_causal_encoders_do_not_look_ahead(build):
    net = build().eval()
    ids = torch.randint(6, 50, (1, 20))
    other = ids.clone()
    other[:, 12:] = 7
    with torch.no_grad():
        a, b = (net.tokens(Tokens(i, torch.tensor([20])))[0] for i in (ids, other))
    torch.testing.assert_close(a[:12], b[:12])
    assert not torch.allclose(a[12:], b[12:])


def test_masking_is_80_10_10(seed):
    ids = torch.randint(6, 1000, (200, 100))
    x = Tokens(ids, torch.full((200,), 100))
    told = torch.ones_like(ids, dtype=torch.bool)
    told[:, 0] = False
    holes, hidden = mask_tokens(x, told, 0.15, 1, 1000, MASK)
    assert not hidden[:, 0].any()
    assert abs(hidden[:, 1:].float().mean() - 0.15) < 0.01
    masked = (holes.ids == MASK)[hidden].float().mean()
    same = (holes.ids == ids)[hidden].float().mean()
    assert abs(masked - 0.8) < 0.02
    assert abs(same - 0.1) < 0.02
    assert (holes.ids == ids)[~hidden].all()
    assert (holes.ids >= min(MASK, len(SPECIAL))).all()


def test_runs_that_overlap_are_hidden_together(seed):
    text = Text(analyzer="char", ngram_range=(3, 3)).fit(["ACGTTGCATGCCAGT" * 20] * 2)
    batch = text.validate(["ACGTTGCATGCCAGT" * 15] * 50)[np.arange(50)]
    _, hidden = text.mask(batch, 0.3)
    inner = hidden[:, 1:-1]
    assert abs(inner.float().mean() - 0.3) < 0.03
    starts = inner[:, 1:-3] & ~inner[:, :-4]
    assert (inner[:, 2:-2] & inner[:, 3:-1])[starts].all()  # never fewer than three


def test_views_are_crops_that_lack_some_tokens(seed):
    text = Text(crop_scale=(0.5, 0.5), token_dropout=0.0, min_df=1, max_length=None)
    X = [" ".join(f"w{i}" for i in range(40)), "w1", ""]
    text.fit([*X, *X])
    batch = text.validate(X)[np.arange(3)]
    a, b = text.views(batch)
    assert a.lengths.tolist() == [22, 3, 2]
    words = [int(word[1:]) for word in text.restore(a)[0].split()]
    assert words == list(range(words[0], words[0] + 20))
    assert (a.ids[0, 0], a.ids[0, 21]) == bounds(text)
    assert not torch.equal(a.ids, b.ids)
    dropped, _ = text.set_params(crop_scale=(1.0, 1.0), token_dropout=0.5).views(batch)
    left = [int(t[1:]) for t in text.restore(dropped)[0].split()]
    assert left == sorted(left)
    assert 8 < len(left) < 32


def test_keep(seed):
    x = Tokens(torch.tensor([[3, 7, 8, 4], [3, 9, 4, 0]]), torch.tensor([4, 3]))
    short = select_tokens(x, torch.tensor([[True, False, True, True], [True, False, True, False]]), 0)
    assert short.ids.tolist() == [[3, 8, 4], [3, 4, 0]]
    assert short.lengths.tolist() == [3, 2]


def test_swaps_are_at_the_ends_of_sentences(seed):
    X = ["one two three. four five! six", "alpha beta gamma delta epsilon zeta", "", "word"] * 20
    text = Text(min_df=1).fit(X)
    batch = text.validate(X)[np.arange(80)]
    parts, swapped, possible = text.permute_segments(batch)
    assert possible.tolist() == [True, True, False, False] * 20
    assert 20 < swapped.sum() < 60
    separator = text.special_[5]
    names = {i: t for t, i in text.vocabulary_.items()}
    for i in np.flatnonzero(possible):
        ids = parts.ids[i, : parts.lengths[i]].tolist()
        assert (ids[0], ids[-1]) == bounds(text)
        cut = ids.index(separator)
        first, second = ids[1:cut], ids[cut + 1 : -1]
        if swapped[i]:
            first, second = second, first
        words = [[names[token] for token in part] for part in (first, second)]
        whole = [
            ["one", "two", "three", ".", "four", "five", "!", "six"],
            ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"],
        ][i % 4]
        n = len(words[0])
        assert words[0] == whole[:n]
        if i % 4 == 0:  # the sign between the sentences is in neither part
            assert n in (3, 6)
            assert words[1] == whole[n + 1 :]
        else:
            assert words[1] == whole[n:]


SAYINGS = ["time", "water", "stone", "river", "night", "music", "garden", "window", "silver", "winter"]


def sayings(n_sentences=1, n_words=8, end=". ", last="."):
    """Return texts of words at random, which have no order."""
    rng = np.random.default_rng(0)
    return [
        end.join(" ".join(rng.choice(SAYINGS, n_words)) for _ in range(n_sentences)) + last
        for _ in range(600)
    ]


NO_ORDER = {
    "one sentence": (sayings(), Text()),
    "cut off": (sayings(2), Text(max_length=9)),
    "pairs of words": (sayings(2), Text(ngram_range=(2, 2))),
    "last sentence without full stop": (sayings(2, 5, ". ", ""), Text()),
    "several signs": (sayings(last="!!"), Text()),
    "quoted": ([f'"{text}"' for text in sayings(2, 5, '." "')], Text()),
    "line feeds": (sayings(2, last=".\n"), Text(analyzer="char", max_length=None)),
    "characters, cut off": (sayings(1, 20), Text(analyzer="char", max_length=50)),
    "triples, cut off": (sayings(2), Text(analyzer="char", ngram_range=(3, 3), max_length=40)),
    "words": (sayings(2), Text(analyzer="subword", max_features=100)),
    "parts of words": (sayings(), Text(analyzer="subword", max_features=20)),
    "subwords, cut off": (sayings(3, 5), Text(analyzer="subword", max_features=100, max_length=24)),
}


@pytest.mark.parametrize("case", NO_ORDER)
def test_nothing_but_the_order_tells_the_order(case):
    """If something can be learned of words at random, the cut gave it away."""
    X, modality = NO_ORDER[case]
    ssl = SegmentOrderPretrainer(modality=modality, encoder="convnet", max_epochs=4, lr=3e-3, random_state=0)
    assert ssl.fit(X[:400]).score(X[400:]) < -0.66  # chance is -0.69


@pytest.mark.parametrize("case", NO_ORDER)
def test_parts_begin_and_end_with_whole_words(case, seed):
    X, modality = NO_ORDER[case]
    text = modality.fit(X)
    batch = text.validate(X)[np.arange(100)]
    parts, swapped, possible = text.permute_segments(batch)
    assert possible.all()
    separator = text.special_[5]
    for ids, length, turned, raw in zip(parts.ids, parts.lengths, swapped, X, strict=False):
        ids = ids[1:length].tolist()
        ids = ids[:-1] if ids[-1] == text.special_[4] else ids
        cut = ids.index(separator)
        pair = [
            Tokens(torch.tensor([part]), torch.tensor([len(part)])) for part in (ids[:cut], ids[cut + 1 :])
        ]
        first, second = (text.restore(part)[0] for part in (pair[::-1] if turned else pair))
        for part in (first, second):
            words = [word.strip('.!"') for word in part.split(" ")]
            assert words[0] in SAYINGS
            assert words[-1] in SAYINGS
            assert part[-1].isalpha()
        first, second, whole = (" ".join(re.findall(r"\w+", part)) for part in (first, second, raw))
        assert whole.startswith(first + " ")
        assert second in whole[len(first) :]


def test_what_cannot_be_cut_does_not_count():
    X = ["one two three. four five six."] * 40 + ["one"] * 60
    ssl = SegmentOrderPretrainer(max_epochs=20, random_state=0, on_collapse="ignore").fit(X)
    assert ssl.history_[-1]["train_accuracy"] > 0.9
    assert ssl.score(X) == pytest.approx(ssl.score(X[:40]), abs=0.2)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="nothing in X that could be predicted"):
        SegmentOrderPretrainer(**FAST).fit(["one", "two"] * 5)
    with pytest.raises(ValueError, match="nothing in X that could be predicted"):
        ssl.score(["one", "two"])
    with pytest.raises(ValueError, match="n-grams of one size"):
        SegmentOrderPretrainer(modality=Text(ngram_range=(1, 2)), **FAST).fit(X)


def test_masked_score_does_not_depend_on_the_batches():
    X = ["cat dog"] * 200
    ssl = MaskedPretrainer(mask_rate=0.15, precision="float32", **FAST).fit(X)
    scores = [ssl.set_params(batch_size=n).score(X * 10) for n in (4, 16, 200)]
    np.testing.assert_allclose(scores, scores[-1], rtol=0.15)


def test_runs_that_overlap_are_not_told_by_where_they_were_cut(seed):
    X = ["ACGTTGCATGCCAGTCCAGATTACA"] * 30
    text = Text(analyzer="char", ngram_range=(3, 3)).fit(X)
    parts, swapped, _ = text.permute_segments(text.validate(X)[np.arange(30)])
    for ids, length, turned in zip(parts.ids, parts.lengths, swapped, strict=True):
        ids = ids[:length].tolist()
        cut = ids.index(text.special_[5])
        pair = [ids[1:cut], ids[cut + 1 : -1]]
        texts = [text.restore(Tokens(torch.tensor([p]), torch.tensor([len(p)])))[0] for p in pair]
        first, second = texts[::-1] if turned else texts
        assert first + second == X[0].lower()  # together they have each letter once


def test_token_loss_is_the_mean_cross_entropy_in_bits(seed, monkeypatch):
    monkeypatch.setattr("sklearn_ssl.modalities.text._decoder.CHUNK", 100)
    h = torch.randn(70, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(30, 6, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(30, dtype=torch.float64, requires_grad=True)
    target, share = torch.randint(30, (70,)), torch.rand(70)
    loss = token_loss(h.float(), weight.float(), bias.float(), target, share)
    slopes = torch.autograd.grad(3 * loss, [h, weight, bias])
    bits = 0.0
    for i in range(70):
        logits = (weight @ h[i] + bias).detach().numpy()
        bits += float(share[i]) * (np.log2(np.exp(logits).sum()) - logits[target[i]] / np.log(2))
    assert loss.item() == pytest.approx(bits / float(share.sum()), rel=1e-5)
    plain = nn.functional.cross_entropy(h @ weight.T + bias, target, reduction="none")
    expected = torch.autograd.grad(3 * (plain * share).sum() / share.sum() / np.log(2), [h, weight, bias])
    for a, b in zip(slopes, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
    assert token_loss(h[:0].float(), weight.float(), bias.float(), target[:0], share[:0]).item() == 0


def test_sizes_of_batches_of_tokens_are_few(seed, monkeypatch):
    """Libraries keep what they set up for each size: memory would grow with every new one."""
    decoder, sizes = TokenDecoder(8, np.array([0, 0, 10, 30, 60]), None), set()

    def record(h, weight, bias, target, share):
        sizes.add(len(h))
        return token_loss(h, weight, bias, target, share)

    monkeypatch.setattr("sklearn_ssl.modalities.text._decoder.token_loss", record)
    h, target = torch.randn(100, 8), torch.randint(5, (100,))
    for n in range(1, 101):
        bits = nn.functional.cross_entropy(decoder(h[:n]), target[:n]) / np.log(2)
        torch.testing.assert_close(decoder.loss(h[:n], target[:n]), bits, atol=1e-4, rtol=1e-4)
    assert sizes == {32, 64, 96, 128}


def test_untrained_decoder_knows_frequencies(seed):
    decoder = TokenDecoder(8, np.array([0, 0, 10, 30, 60]), None)
    with torch.no_grad():
        shares = decoder(torch.zeros(1, 8)).softmax(1)[0]
    np.testing.assert_allclose(shares, [0.001, 0.001, 0.1, 0.3, 0.6], rtol=0.2)


def test_masked_loss_is_of_hidden_tokens_only(seed):
    text = Text(min_df=1).fit(LINES)
    ssl = MaskedPretrainer(modality=text, precision="float32", max_epochs=0, random_state=0).fit(LINES)
    objective = ssl.net_.module_
    x = ssl.modality_.validate(LINES)[np.arange(10)]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(3)
        loss = objective(x).loss
        torch.manual_seed(3)
        holes, hidden = ssl.modality_.mask(x, 0.3)
        logits = objective.decoder(objective.encoder.tokens(holes))
    bits = []
    for i, j in zip(*np.nonzero(hidden.numpy()), strict=True):
        shares = torch.softmax(logits[i, j].double(), 0)
        bits.append(-np.log2(float(shares[x.ids[i, j]])))
    assert float(loss) == pytest.approx(np.mean(bits), rel=1e-4)


def test_score_is_minus_bits_per_token():
    gpt = AutoregressivePretrainer(max_epochs=3, precision="float32", random_state=0).fit(LINES)
    bits, n = 0.0, 0
    for ids in rows(gpt.modality_, LINES):
        x = Tokens(torch.tensor([ids]), torch.tensor([len(ids)]))
        with torch.no_grad():
            shares = gpt.net_.module_.decoder(gpt.encoder_.tokens(x))[0].double().softmax(1)
        for place, token in enumerate(ids[1:]):
            bits -= np.log2(float(shares[place, token]))
            n += 1
    assert gpt.score(LINES) == pytest.approx(-bits / n, rel=1e-5)
    assert gpt.perplexity(LINES) == pytest.approx(2 ** (bits / n), rel=1e-4)
    assert gpt.perplexity(LINES[:1]) > 1


class OneOfEach(Text):
    """Hide all words of short texts and the first of long ones; swap short texts, and cut every other long one."""

    def words(self, x):
        return x.present() & (x.ids != self.special_[START]) & (x.ids != self.special_[END])

    def mask(self, x, rate):
        words = self.words(x)
        short = words.sum(1, keepdim=True) < 10
        hidden = words & (short | (torch.arange(x.ids.shape[1]) == 1))
        return Tokens(x.ids.masked_fill(hidden, self.special_[MASK]), x.lengths), hidden

    def permute_segments(self, x):
        short = self.words(x).sum(1) < 10
        return x, short, short | (torch.arange(len(short)) % 2 == 0)


class Same(nn.Module):
    """Gives every token, and every text, the same features: what a word costs depends on the word alone."""

    def forward(self, x):
        return torch.ones(len(x.ids), 8)

    def tokens(self, x):
        return torch.ones(*x.ids.shape, 8)


@pytest.mark.parametrize(
    "method, short, long",
    [
        (MaskedPretrainer(), 6 * 4, 12),  # hidden words
        (MaskedPretrainer(mask_weight=1.0), 6 * 4, 12),
        (MaskedPretrainer(visible_weight=0.25), 6 * 4, 12 * (1 + 0.25 * 19)),
        (AutoregressivePretrainer(), 6 * 5, 12 * 21),  # words, and the end
        (SegmentOrderPretrainer(), 6, 6),  # texts that can be cut
    ],
    ids=str,
)
def test_batches_count_by_how_much_is_predicted_in_them(method, short, long):
    """A batch of short texts costs the same again and again, and so do both of long ones: see how they mix."""
    few, many = ["a a a a"] * 6, ["b" + 19 * " b"] * 12
    modality = OneOfEach(max_length=None, min_df=1)
    fixed = {"encoder": Same(), "batch_size": 6, "device": "cpu", "precision": "float32", "lr": 1e-30, **FAST}
    ssl = clone(method).set_params(modality=modality, **fixed).fit(few + many)
    a, b = ssl.score(few), ssl.score(many)
    assert abs(a - b) > 0.01
    mixed = (short * a + long * b) / (short + long)
    assert ssl.score(few + many) == pytest.approx(mixed, rel=1e-5)
    assert -ssl.history_[0]["train_loss"] == pytest.approx(mixed, rel=1e-5)


def test_next_token_learns_more_than_frequencies():
    X = ["a b c d e f g h"] * 50 + ["h g f e d c b a"] * 50
    gpt = AutoregressivePretrainer(max_epochs=40, random_state=0).fit(X)
    assert gpt.perplexity(X) < 1.4  # of nine tokens, after the first, each is sure
    drawn = gpt.sample("a", 20)
    assert np.mean([text == "a b c d e f g h" for text in drawn]) > 0.8


def test_sample():
    gpt = AutoregressivePretrainer(max_epochs=2, random_state=0).fit(LINES)
    texts = gpt.sample("The mean", 4)
    assert len(texts) == 4
    assert all(isinstance(text, str) and text.startswith("The mean") for text in texts)
    assert texts == gpt.sample("The mean", 4)
    assert texts != gpt.sample("The mean", 4, random_state=1)
    assert len(gpt.sample("The mean", max_length=5)[0].split()) <= 5
    assert len(set(gpt.sample("the", 5, temperature=1e-6))) == 1
    assert not any("[" in text and "]" in text for text in gpt.sample("", 20))
    state = torch.get_rng_state()
    gpt.sample()
    assert torch.equal(state, torch.get_rng_state())
    for bad in (
        {"prompt": 3},
        {"n_samples": 0},
        {"max_length": 0},
        {"temperature": 0.0},
        {"random_state": "x"},
    ):
        with pytest.raises((ValueError, TypeError), match=next(iter(bad))):
            gpt.sample(**bad)
    ranges = AutoregressivePretrainer(modality=Text(ngram_range=(1, 2)), **FAST).fit(LINES)
    with pytest.raises(ValueError, match="cannot be put together"):
        ranges.sample()


@pytest.mark.parametrize(
    "text, expected",
    [
        (Text(min_df=1), "it's a test (of signs), no more!"),
        (Text(min_df=1, ngram_range=(2, 2)), "one two three four"),
        (Text(min_df=1, analyzer="char"), "one  two".replace("  ", " ")),
        (Text(min_df=1, analyzer="char", ngram_range=(3, 3)), "gattaca"),
        (Text(min_df=1, analyzer="subword"), "über  alles, 你好!"),
    ],
)
def test_tokens_go_back_to_text(text, expected):
    text.fit([expected, expected, "other words"])
    assert text.restore(text.validate([expected, ""])[np.arange(2)]) == [expected, ""]


def test_subwords_know_every_text_and_are_saved(tmp_path):
    ssl = MaskedPretrainer(modality=Text(analyzer="subword", max_features=100), **FAST).fit(
        [*LINES, "\udce9"]
    )
    strange = ["naïve 你好 🙂", "", "x" * 50, "caf\udce9"]
    assert (ssl.modality_.validate(strange).ids != UNKNOWN).all()
    assert len(ssl.modality_.counts_) <= 100 + 256 + len(SPECIAL)
    ssl.save(tmp_path / "ssl")
    assert (load(tmp_path / "ssl").transform(strange) == ssl.transform(strange)).all()
    again = Text(analyzer="subword", tokenizer=ssl.modality_.tokenizer_).fit(["another"] * 3)
    assert again.vocabulary_ == ssl.modality_.vocabulary_
    (tmp_path / "tokenizer.json").write_text(ssl.modality_.tokenizer_, encoding="utf-8")
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        assert Text(analyzer="subword", tokenizer=path).fit(["a"]).vocabulary_ == again.vocabulary_


KINDS_OF_LISTS = {
    "tuple": tuple,
    "object array": lambda X: np.array(X, dtype=object),
    "array": np.array,
    "Series": pd.Series,
    "Series, other index": lambda X: pd.Series(X, index=np.arange(len(X))[::-1]),
    "polars": pl.Series,
    "frame": lambda X: pd.DataFrame({"line": X}),
    "polars frame": lambda X: pl.DataFrame({"line": X}),
    "column": lambda X: np.array(X, dtype=object)[:, None],
}


@pytest.mark.parametrize("kind", KINDS_OF_LISTS)
def test_lists_arrays_and_series(kind):
    X = KINDS_OF_LISTS[kind](LINES)
    auto = "frame" not in kind and kind != "column"
    expected = ContrastivePretrainer(modality=Text(), encoder="bag", **FAST).fit(LINES)
    ssl = ContrastivePretrainer(modality="auto" if auto else Text(), encoder="bag", **FAST).fit(X)
    assert (ssl.transform(X) == expected.transform(LINES)).all()
    assert (ssl.fit(X, None, X).transform(X).shape) == (len(LINES), 128)
    if "frame" in kind:
        assert ssl.feature_names_in_.tolist() == ["line"]


def test_pool_of_other_texts_is_learned_from():
    few, pool = LINES[:20], LINES[20:]
    ssl = ContrastivePretrainer(encoder="bag", **FAST).fit(few, None, pool)
    assert (
        ssl.modality_.vocabulary_
        == ContrastivePretrainer(encoder="bag", **FAST).fit(LINES).modality_.vocabulary_
    )
    mixed = ContrastivePretrainer(encoder="bag", **FAST).fit(pd.Series(few), None, pool)
    assert (mixed.transform(few) == ssl.transform(few)).all()


@pytest.mark.parametrize("encoder", ["transformer", "convnet"])
@pytest.mark.parametrize(
    "estimator",
    [ContrastivePretrainer(), MaskedPretrainer(), AutoregressivePretrainer(), SegmentOrderPretrainer()],
    ids=lambda e: type(e).__name__,
)
def test_odd_texts(estimator, encoder):
    odd = ["", " ", "a", "\n\t", "?", "naïve 你好 🙂", "\udc80", "word " * 3000, "x" * 100_000]
    ssl = clone(estimator).set_params(encoder=encoder, **FAST).fit(odd * 2)
    assert np.isfinite(ssl.transform([*odd, "never seen"])).all()
    assert np.isfinite(ssl.score(odd))
    for X in ([""] * 3, ["same"] * 10, ["a", "b"]):
        ssl = clone(estimator).set_params(encoder=encoder, **FAST)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="There is nothing in X that could be predicted")
            ssl.fit(X)
        assert np.isfinite(ssl.transform(["", "b", "c d"])).all()


def test_a_document_of_a_megabyte_takes_little_memory():
    X = ["word and another one, " * 50_000, *LINES]
    tracemalloc.start()
    try:
        MaskedPretrainer(**FAST).fit(X, None, X[1:]).transform(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60e6  # an array of str, as wide as the longest, would be 500 MB


@pytest.mark.parametrize(
    "X, error, words",
    [
        ("a text", TypeError, r"Pass \[X\]"),
        (["a", None], TypeError, "row 1 of X is NoneType.*holes"),
        (["a", float("nan")], TypeError, "row 1 of X is float"),
        ([b"a", "b"], TypeError, "row 0 of X is bytes"),
        ([["a"], ["b"]], TypeError, "row 0 of X is list"),
        ([], ValueError, "no texts"),
        ({"a": 1}, TypeError, "dict"),
        (3, TypeError, "int"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "2 columns"),
        (pl.LazyFrame({"a": ["x"]}), TypeError, "collect"),
        ({"a", "b"}, TypeError, r"list\(X\)"),
        ((x for x in "ab"), TypeError, r"list\(X\)"),
        (np.zeros((2, 2)), ValueError, "2 columns"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(X, error, words):
    with pytest.raises(error, match=words):
        MaskedPretrainer(modality=Text()).fit(X)
    if not isinstance(X, (pd.DataFrame, pl.LazyFrame)):
        fitted = MaskedPretrainer(modality=Text(), **FAST).fit(LINES)
        with pytest.raises(error, match=words):
            fitted.transform(X)


@pytest.mark.parametrize(
    "params, words",
    [
        ({"ngram_range": (2, 1)}, "smallest <= largest"),
        ({"ngram_range": (1.0, 2)}, "two integers"),
        ({"analyzer": "words"}, "analyzer"),
        ({"analyzer": "subword", "ngram_range": (1, 2)}, "Leave ngram_range"),
        ({"tokenizer": "x.json"}, "needs no tokenizer"),
        ({"analyzer": "subword", "tokenizer": "x.json"}, "is no tokenizer"),
        ({"crop_scale": (0.9, 0.5)}, "crop_scale"),
        ({"token_dropout": 1.0}, "token_dropout"),
        ({"max_length": 0}, "max_length"),
        ({"token_pattern": "("}, "token_pattern"),
        ({"token_pattern": "(a)(b)"}, "token_pattern"),
    ],
)
def test_bad_parameters_are_refused(params, words):
    with pytest.raises(ValueError, match=words):
        Text(**params).fit(LINES)


def test_methods_say_what_they_need():
    with pytest.raises(ValueError, match=r"needs the modality Text or Series.* and got a table of shape"):
        AutoregressivePretrainer().fit(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="RotationPretrainer needs images and got Text"):
        RotationPretrainer().fit(LINES)
    with pytest.raises(TypeError, match="Text has no decoder"):
        AutoencoderPretrainer().fit(LINES)
    with pytest.raises(ValueError, match="target='bin' is not known to Text"):
        MaskedPretrainer(target="bin").fit(LINES)
    with pytest.raises(ValueError, match="encoder='mlp' is not known to Text"):
        MaskedPretrainer(encoder="mlp").fit(LINES)
    for X in (LINES, [None, *LINES], pd.Series([np.nan, pd.NA, *LINES])):
        assert isinstance(infer_modality(X), Text)
    with pytest.raises(TypeError, match=r"row 0 of X is NoneType.*fill holes"):
        MaskedPretrainer().fit([None, *LINES])


class Bag(nn.Module):
    """Means of embedded tokens; no features at each position."""

    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(1000, 8)

    def forward(self, x):
        return self.bag(torch.where(x.present(), x.ids, 0))


class Centred(Bag):
    """Has features at each position, which know of all others."""

    def tokens(self, x):
        h = self.bag.weight[x.ids]
        return h - h.mean(1, keepdim=True)


def test_a_module_of_the_users_own():
    for method in (ContrastivePretrainer, SegmentOrderPretrainer):
        assert method(encoder=Bag(), **FAST).fit_transform(LINES).shape == (len(LINES), 8)
    with pytest.raises(ValueError, match=re.escape("tokens(x)")):
        MaskedPretrainer(encoder=Bag(), **FAST).fit(LINES)
    assert MaskedPretrainer(encoder=Centred(), **FAST).fit_transform(LINES).shape == (len(LINES), 8)
    with pytest.raises(ValueError, match="sees what it is to predict"):
        AutoregressivePretrainer(encoder=Centred(), **FAST).fit(LINES)


def test_features_are_standardised_whatever_the_lengths():
    rng = np.random.default_rng(0)
    X = [" ".join(rng.choice(SAYINGS, n)) for n in rng.integers(1, 100, 600)]
    Z = MaskedPretrainer(max_epochs=0, random_state=0).fit_transform(X)
    assert (np.abs(Z.std(0) - 1) < 0.05).mean() > 0.95  # a few are the same for all texts


@pytest.mark.parametrize("encoder", ["transformer", "convnet"])
def test_an_encoder_knows_its_tokens_by_name(encoder):
    first = MaskedPretrainer(encoder=encoder, **FAST).fit(["cat dog cow", "dog cat"] * 10)
    X = ["bee cow dog cat"] * 10 + ["ant bee"] * 10
    with pytest.warns(UserWarning, match=r"does not know 2 of 11 tokens, such as \['bee', 'ant'\]"):
        second = ContrastivePretrainer(encoder=first.encoder_, max_epochs=0).fit(X)
    for word in ("cat", "dog", "cow"):
        old, new = (est.encoder_.embedding.weight[est.modality_.vocabulary_[word]] for est in (first, second))
        assert torch.equal(old, new)
    third = MaskedPretrainer(encoder=first.encoder_, max_epochs=0).fit(["dog cow", "cow dog"])
    assert third.encoder_.embedding.num_embeddings == 8
    longer = MaskedPretrainer(encoder=first.encoder_, modality=Text(max_length=500), max_epochs=0)
    with warnings.catch_warnings():
        if encoder == "transformer":
            warnings.filterwarnings("ignore", message="The encoder does not know places")
        assert np.isfinite(longer.fit(["dog cat cow " * 150] * 2).transform(["dog " * 400])).all()


def test_longer_texts_than_any_in_fit():
    text = Text(max_length=None)
    for estimator in (
        MaskedPretrainer(modality=text, **FAST),
        AutoregressivePretrainer(modality=text, **FAST),
    ):
        estimator.fit(["cat dog", "dog cat cat"] * 5)
        long = ["cat " * 200, "dog"]
        assert np.isfinite(estimator.transform(long)).all()
        assert np.isfinite(estimator.score(long))
        estimator.partial_fit(long)
        assert (estimator.transform(["cat " * 4]) == estimator.transform(["cat " * 9])).all()


def test_a_tokenizer_without_special_tokens():
    raw = tokenizers.Tokenizer(tokenizers.models.BPE())
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    raw.train_from_iterator(LINES, tokenizers.trainers.BpeTrainer(vocab_size=300, show_progress=False))
    for tokenizer in (raw, raw.to_str()):
        text = Text(analyzer="subword", tokenizer=tokenizer)
        ssl = ContrastivePretrainer(modality=text, **FAST).fit([*LINES, "", "[MASK] [EOS]"])
        assert len(set(ssl.modality_.special_)) == len(SPECIAL)
        assert np.isfinite(ssl.transform(LINES)).all()
        assert MASK not in rows(ssl.modality_, ["[MASK] [EOS]"])[0][1:-1]


def test_pools_of_frames():
    frame = pd.DataFrame({"text": LINES, "number": np.arange(len(LINES))})
    expected = ContrastivePretrainer(encoder="bag", **FAST).fit(LINES, None, LINES).transform(LINES)
    for X, pool in [
        (frame["text"], frame),
        (frame["text"], frame[["text"]]),
        (LINES, np.array(LINES, dtype=object)[:, None]),
        (pl.Series("text", LINES), pl.DataFrame({"text": LINES, "number": range(len(LINES))})),
    ]:
        assert (
            ContrastivePretrainer(encoder="bag", **FAST).fit(X, None, pool).transform(X) == expected
        ).all()


def test_a_bag_does_not_see_the_order():
    X = ["cat dog cow", "cow cat dog", "dog dog cow"] * 10
    ssl = ContrastivePretrainer(encoder="bag", **FAST).fit(X)
    Z = ssl.transform(X[:3])
    assert Z.shape == (3, 128)
    np.testing.assert_allclose(Z[0], Z[1], atol=1e-4)
    assert np.abs(Z[0] - Z[2]).max() > 0.1
    assert ContrastivePretrainer(encoder="bag", n_components=7, max_epochs=0).fit_transform(X).shape == (
        30,
        7,
    )
    other = ContrastivePretrainer(encoder=ssl.encoder_, max_epochs=0).fit(["cow cat", "cat cow"])
    word = ssl.modality_.vocabulary_["cow"]
    new = other.encoder_.embedding.weight[other.modality_.vocabulary_["cow"]]
    assert torch.equal(ssl.encoder_.embedding.weight[word], new)
    odd = ["", " ", "a", "\n\t", "word " * 3000, "\udc80"]
    assert np.isfinite(ssl.transform(odd)).all()
    for method in (MaskedPretrainer, AutoregressivePretrainer):
        with pytest.raises(
            ValueError, match=r"TokenBag gives features of whole rows only\. Take encoder='auto'"
        ):
            method(encoder="bag").fit(X)


def test_a_module_of_ours_learns_which_tokens_it_has(seed):
    X = ["cat dog cow", "dog cat"] * 10
    first = MaskedPretrainer(encoder=Transformer(9, 300), max_epochs=0).fit(X)
    assert first.encoder_.vocabulary[6:] == tuple(first.modality_.vocabulary_)
    assert first.encoder.vocabulary is None
    with pytest.warns(UserWarning, match="does not know"):
        second = ContrastivePretrainer(encoder=first.encoder_, max_epochs=0).fit(["ant cow", "cow ant"] * 5)
    word = second.encoder_.embedding.weight[second.modality_.vocabulary_["cow"]]
    assert torch.equal(word, first.encoder_.embedding.weight[first.modality_.vocabulary_["cow"]])
    for encoder in (Transformer(20, 300), Transformer(9, 20), TokenConvNet(20), TokenBag(8)):
        with pytest.raises(ValueError, match="needs n_tokens=9"):
            ContrastivePretrainer(encoder=encoder).fit(X)
    with pytest.raises(ValueError, match="size=4 must be odd"):
        TokenConvNet(9, size=4)


def test_longer_texts_than_an_encoder_knows_are_told_of():
    X = ["cat dog cow", "dog cat"] * 10
    first = MaskedPretrainer(modality=Text(max_length=10), max_epochs=0).fit(X)
    with pytest.warns(UserWarning, match="does not know places behind the first 13; they start with fresh"):
        MaskedPretrainer(modality=Text(max_length=60), encoder=first.encoder_, max_epochs=0).fit(X)


def test_at_least_one_token_is_hidden(seed):
    x = Tokens(torch.tensor([[3, 7, 4]]), torch.tensor([3]))
    maskable = torch.tensor([[False, True, False]])
    for _ in range(200):
        assert mask_tokens(x, maskable, 0.01, 1, 9, 2)[1].tolist() == [[False, True, False]]
    assert not mask_tokens(x, torch.zeros_like(maskable), 0.5, 1, 9, 2)[1].any()


def test_features_of_texts_that_are_nothing_like_those_of_fit_stay_small(seed):
    rng = np.random.default_rng(0)
    X = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(60)]
    for encoder in ("transformer", "convnet", "bag"):
        ssl = ContrastivePretrainer(modality=Text(analyzer="char"), encoder=encoder, max_epochs=0).fit(X)
        assert np.abs(ssl.transform(["AAAA", "", "NNNN"])).max() <= 10


def test_subwords_that_are_cut_off_have_no_end():
    text = Text(analyzer="subword", max_features=20, max_length=8).fit(LINES)
    store = text.validate(["a", " ".join(LINES[:5])])
    short, long = (store[np.array([i])].ids[0].tolist() for i in (0, 1))
    assert (short[0], short[-1]) == bounds(text)
    assert (len(long), long[0]) == (9, bounds(text)[0])
    assert bounds(text)[1] not in long


def test_what_could_be_texts_is_told_what_to_do():
    for X in ([b"cat", b"dog"] * 5, np.array([b"cat", b"dog"] * 5)):
        with pytest.raises(TypeError, match="Decode bytes"):
            MaskedPretrainer(**FAST).fit(X)
    with pytest.raises(TypeError, match=r"Pass \[X\], or X.splitlines"):
        MaskedPretrainer(**FAST).fit("the cat\nthe dog")
    with pytest.raises(TypeError, match=r"It is the class: add \(\)"):
        MaskedPretrainer(modality=Text, **FAST).fit(LINES)
    for frame in (pd.DataFrame, pl.DataFrame):
        with pytest.warns(UserWarning, match="Column 'text' of X looks like texts"):
            ContrastivePretrainer(max_epochs=0).fit(frame({"number": range(len(LINES)), "text": LINES}))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ContrastivePretrainer(max_epochs=0).fit(frame({"kind": ["of cat", "of dog", "of cow"] * 20}))


def test_prompts_shorter_than_a_token():
    X = ["gattacagatta", "tagacat"] * 10
    ssl = AutoregressivePretrainer(modality=Text(analyzer="char", ngram_range=(3, 3)), **FAST).fit(X)
    with pytest.raises(ValueError, match="'ga' is shorter than a token of Text"):
        ssl.sample("ga")
    assert ssl.sample("gat", max_length=5)[0].startswith("gat")
    words = AutoregressivePretrainer(**FAST).fit(["the cat sat", "the cat ran"] * 10)
    assert all(text.startswith("zebra ") for text in words.sample("zebra", 5, max_length=6))
    assert "  " not in "".join(words.sample("the cat ", 20, max_length=6))


def test_an_encoder_goes_from_one_task_to_another():
    first = MaskedPretrainer(**FAST).fit(LINES)
    second = ContrastivePretrainer(modality=first.modality, encoder=first.encoder_, max_epochs=0).fit(LINES)
    assert (second.transform(LINES) == first.transform(LINES)).all()


def test_pipeline_and_search():
    y = np.arange(len(LINES)) % 2
    pipe = make_pipeline(ContrastivePretrainer(**FAST), LogisticRegression(max_iter=1000))
    grid = {"contrastivepretrainer__modality__analyzer": ["word", "char"]}
    pipe.set_params(contrastivepretrainer__modality=Text(max_length=20))
    search = GridSearchCV(pipe, grid, cv=2).fit(LINES, y)
    assert search.predict(LINES).shape == (len(LINES),)
    search = GridSearchCV(AutoregressivePretrainer(**FAST), {"lr": [1e-3, 1e-2]}, cv=2).fit(LINES)
    assert search.best_params_["lr"] in (1e-3, 1e-2)


@pytest.mark.parametrize("method", [ContrastivePretrainer, MaskedPretrainer, AutoregressivePretrainer])
def test_memory_does_not_grow_with_epochs(method):
    def peak(epochs):
        tracemalloc.start()
        try:
            method(max_epochs=epochs, random_state=0, on_collapse="ignore").fit(LINES)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    assert peak(5) < peak(2) + 150_000
