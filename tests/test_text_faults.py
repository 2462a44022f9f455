"""Texts of all scripts, and what is said where nothing can be learned from them."""

# ruff: noqa: RUF001  # letters of other scripts

import re
import sys
import unicodedata

import numpy as np
import pytest

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer, SegmentOrderPretrainer, Word2VecPretrainer
from sklearn_ssl.modalities import Text

FAST = {"max_epochs": 1, "random_state": 0, "on_collapse": "ignore"}
MARKED = {
    "Hindi": "आधुनिक हिन्दी की किताब",
    "Telugu": "తెలుగు భాష",
    "Tamil": "தமிழ் மொழி",
    "Bengali": "বাংলা ভাষা",
    "Malayalam, joiner at the end": "അവന്\u200d വന്നു",
    "Marathi, joiner": "क्\u200dष वाऱ्\u200dया",
    "Khmer": "ភាសា ខ្មែរ",
    "Thai": "ภาษา ที่นี่",
    "vocalised Arabic": "مُحَمَّدٌ كَتَبَ",
    "vocalised Hebrew": "בְּרֵאשִׁית בָּרָא",
    "Persian, non-joiner": "می\u200cخواهم کتاب\u200cها",
    "Vietnamese": "tiếng Việt",
    "Yoruba": "ọ̀rọ̀ Yorùbá",
    "IPA": "ɔ̃ t͡ʃ",
    "Syriac": "ܠܫܢܐ ܣܘܪܝܝܐ",
    "letters beyond the first plane": "𑀅𑀰𑁄𑀓 𑀥𑀫𑁆𑀫",
}


def words(X, **params):
    return set(Text(min_df=1, **params).fit(X).vocabulary_)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("text", MARKED.values(), ids=MARKED)
def test_marks_and_joiners_belong_to_words(text, form):
    expected = set(unicodedata.normalize("NFC", text.lower()).split())
    assert words([unicodedata.normalize(form, text)]) == expected
    assert set(Word2VecPretrainer(n_components=2, max_epochs=1).fit([text, text]).vocabulary_) == expected


def test_punctuation_between_marked_words_is_a_token():
    assert words(["བོད་སྐད།"]) == {"བོད", "་", "སྐད", "།"}
    assert words(["हिन्दी।किताब?"]) == {"हिन्दी", "।", "किताब", "?"}
    assert words(["❤️abc 1️⃣"]) == {"❤️", "abc", "1️⃣"}


@pytest.mark.parametrize("n", range(3))
def test_texts_without_marks_are_split_as_before(n):
    rng = np.random.default_rng(n)
    letters = [
        chr(i)
        for i in (range(128), range(0x3000), range(sys.maxunicode))[n]
        if unicodedata.category(chr(i))[0] not in "MC" and unicodedata.is_normalized("NFC", chr(i))
    ]
    X = ["".join(rng.choice(letters, 50)) for _ in range(200)]
    # what is composed of parts that are next to each other by chance is left out
    X = [
        x
        for x in X
        if unicodedata.is_normalized("NFC", x.lower()) and not re.search(r"[\u0300-\u036f]", x.lower())
    ]
    assert len(X) > 100
    found = Text(min_df=1, max_features=None, max_length=None).fit_documents(X)
    assert found == [re.findall(r"\w+|[^\w\s]", x.lower()) for x in X]


def test_a_pattern_of_ones_own_is_taken_as_it_is():
    assert words(["हिन्दी ab-c"], token_pattern=r"\w+") == {"ह", "न", "द", "ab", "c"}
    assert words(["हिन्दी ab-c"], token_pattern=r"\S+") == {"हिन्दी", "ab-c"}


@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb", "subword"])
@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("text", ["le café fermé", "Tiếng Việt", "한국어 책", "J̌ Åbo", "בְּרֵאשִׁית", "İzmir"])
def test_composed_or_not_is_the_same(analyzer, lowercase, text):
    modality = Text(analyzer=analyzer, lowercase=lowercase, min_df=1)
    nfc, nfd = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    est = ContrastivePretrainer(modality=modality, **FAST, encoder="bag").fit([nfc, "other words here"] * 8)
    assert (est.transform([nfc]) == est.transform([nfd])).all()
    again = ContrastivePretrainer(modality=modality, **FAST, encoder="bag").fit([nfd, "other words here"] * 8)
    assert (again.transform([nfc]) == est.transform([nfc])).all()
    vectors = Word2VecPretrainer(modality=modality, n_components=4, max_epochs=1).fit([nfc, nfd] * 3)
    Z = vectors.transform([nfc, nfd])
    assert Z.any(axis=1).all()
    assert (Z[0] == Z[1]).all()


def test_a_tokenizer_that_is_given_gets_texts_as_they_are():
    import tokenizers as tk

    raw = tk.Tokenizer(tk.models.WordLevel({"[UNK]": 0, "cafe\u0301": 1, "caf\u00e9": 2}, unk_token="[UNK]"))
    raw.pre_tokenizer = tk.pre_tokenizers.WhitespaceSplit()
    text = Text(analyzer="subword", tokenizer=raw)
    assert text.fit_documents(["cafe\u0301", "caf\u00e9"]) == [["cafe\u0301"], ["caf\u00e9"]]


def test_texts_with_marks_are_put_together_again():
    X = ["आधुनिक हिन्दी की किताब", "मानक हिन्दी की किताब"] * 8
    text = Text(min_df=1).fit(X)
    assert text.restore(text.validate(X)[np.arange(2)]) == X[:2]
    for method in (MaskedPretrainer, SegmentOrderPretrainer):
        assert np.isfinite(method(**FAST).fit(X).transform(X)).all()
