"""Bits per token of held-out e-mails: masked and next-token models against n-grams.

Both networks have the same size, and the same vocabulary as the n-gram models. The next-token model predicts each word,
and the end of the text, from the words before it. Its rivals are the word frequencies (unigram) and an interpolated
bigram: a mixture of bigram, unigram and uniform distribution, whose weights are fitted by expectation maximisation on
training texts that are set aside [1]_. The masked model sees both sides of the hidden words, which are 15 % of all
words. Its rivals are scored on all words.

    python benchmarks/language_model.py

.. [1] F. Jelinek, R. L. Mercer. "Interpolated estimation of Markov source parameters from sparse data." 1980.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from datasets import texts
from report import arguments, write
from sklearn.model_selection import train_test_split

from sklearn_ssl import AutoregressivePretrainer, MaskedPretrainer
from sklearn_ssl.modalities import Text

Sequences = list[np.ndarray]


def sequences(text: Text, X: list[str]) -> Sequences:
    """Return each text as token numbers, including start and end."""
    store = text.validate(X)
    return [store.ids[start : start + n] for start, n in zip(store.starts, store.lengths, strict=True)]


class NGrams:
    """Uniform, unigram and bigram probabilities, and their interpolation."""

    def __init__(self, train: Sequences, n_tokens: int):
        following = np.concatenate([ids[1:] for ids in train])
        counts = np.bincount(following, minlength=n_tokens)
        self.frequency = counts / counts.sum()
        self.before = np.bincount(np.concatenate([ids[:-1] for ids in train]), minlength=n_tokens)
        self.pairs: Counter[tuple[int, int]] = Counter()
        for ids in train:
            self.pairs.update(zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True))
        self.uniform = 1 / n_tokens

    def parts(self, held_out: Sequences) -> np.ndarray:
        """Return three probabilities of every token except the first of each text, ``(n, 3)``."""
        found = []
        for ids in held_out:
            pairs = list(zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True))
            bigram = [self.pairs[pair] / max(1, self.before[pair[0]]) for pair in pairs]
            found.append(
                np.column_stack([np.full(len(pairs), self.uniform), self.frequency[ids[1:]], bigram])
            )
        return np.concatenate(found)


def mixture(parts: np.ndarray) -> np.ndarray:
    """Return the weights of the mixture with the highest likelihood, by expectation maximisation."""
    weights = np.full(parts.shape[1], 1 / parts.shape[1])
    for _ in range(100):
        shares = parts * weights
        weights = (shares / shares.sum(1, keepdims=True)).mean(0)
    return weights


def bits(parts: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean bits per token of a mixture."""
    return float(-np.log2(parts @ weights).mean())


def main() -> None:
    """Train, then write a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--corpus", default="spam", choices=["spam", "languages", "splice"])
    parser.add_argument("--analyzer", default="word", choices=["word", "char", "subword"])
    parser.add_argument("--max-features", type=int, default=5000, metavar="N", help="size of the vocabulary")
    parser.add_argument("--max-epochs", type=int, default=None, metavar="N")
    names = ["next token", "masked"]
    parser.add_argument("--models", nargs="+", default=names, choices=names)
    parser.add_argument("--out", default="language_model", metavar="NAME")
    args = parser.parse_args()
    X, _ = texts(args.corpus)
    rest, test = train_test_split(X, test_size=0.2, random_state=0)
    train, development = train_test_split(rest, test_size=0.1, random_state=0)
    text = Text(analyzer=args.analyzer, max_features=args.max_features)
    epochs = "auto" if args.max_epochs is None else args.max_epochs
    shared = {"modality": text, "max_epochs": epochs, "random_state": 0, "verbose": 1}
    both = {
        "next token": AutoregressivePretrainer(**shared),
        "masked": MaskedPretrainer(**shared, mask_rate=0.15),
    }
    fitted = {name: both[name].fit(train) for name in args.models}

    first = fitted[args.models[0]]
    vocabulary, n_tokens = first.modality_, len(first.modality_.counts_)
    learned = sequences(vocabulary, train)
    model = NGrams(learned, n_tokens)
    tuned, held_out = (model.parts(sequences(vocabulary, part)) for part in (development, test))
    two, three = mixture(tuned[:, :2]), mixture(tuned)
    counts = 0.1 + np.bincount(np.concatenate([ids[1:-1] for ids in learned]), minlength=n_tokens)
    words = np.concatenate([ids[1:-1] for ids in sequences(vocabulary, test)])
    n_weights = sum(p.numel() for p in first.encoder_.parameters())
    lines = [
        f"{args.corpus}: {len(train):,} texts to train on, {len(test):,} held out, of {len(held_out):,} tokens; "
        f"{n_tokens:,} kinds of tokens; encoders with {n_weights:,} weights, {len(first.history_)} epochs.",
        "",
        "| model | bits per held-out token |",
        "|---|---|",
        f"| unigram | {bits(held_out[:, :2], two):.2f} |",
        f"| unigram, of words without the ends | {-np.log2(counts / counts.sum())[words].mean():.2f} |",
        f"| interpolated bigram (weights {three[2]:.2f}, {three[1]:.2f}, {three[0]:.3f}) | "
        f"{bits(held_out, three):.2f} |",
        *[f"| {name} | {-est.score(test):.2f} |" for name, est in fitted.items()],
        "",
        "Bits per token of training, epoch by epoch:",
        "",
    ]
    for name, est in fitted.items():
        lines.append(f"- {name}: " + ", ".join(f"{row['train_loss']:.2f}" for row in est.history_))
    if "next token" in fitted:
        lines += ["", "Drawn by the next-token model:", ""]
        lines += [f"- {text}" for text in fitted["next token"].sample("", 5, max_length=30, temperature=0.8)]
    write(args.out, lines)


if __name__ == "__main__":
    main()
