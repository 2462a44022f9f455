"""Texts of all scripts, and what is said where nothing can be learned from them."""

# ruff: noqa: RUF001  # letters of other scripts

import re
import sys
import unicodedata

import numpy as np
import polars as pl
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


ZH = list("今天气很好我们去公园散步明吃饭图书馆看电影学习中文老师朋友")
TH = list("กขคงจฉชซดตถทนบปผพมยรลวสหอ")
JA = list("わたしは学生ですこれをみて東京にいきました")


def strings(letters, n, size, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(letters), rng.integers(size // 2, size + 1))) for _ in range(n)]


def sentences(letters, n, comma, stop):
    parts = iter(strings(letters, 3 * n, 10))
    return [f"{next(parts)}{comma}{next(parts)}{comma}{next(parts)}{stop}" for _ in range(n)]


UNSPLIT = {
    "Chinese": strings(ZH, 60, 14),
    "Chinese, few": strings(ZH, 8, 14),
    "Chinese with punctuation": sentences(ZH, 40, "，", "。"),
    "Chinese, one text twice": [*strings(ZH, 40, 14), *strings(ZH, 1, 14)],
    "Japanese": sentences(JA, 30, "、", "。"),
    "Thai": strings(TH, 40, 30),
    "DNA": strings("ACGT", 60, 60),
    "DNA, few": strings("ACGT", 8, 60),
    "proteins": strings("ACDEFGHIKLMNPQRSTVWY", 60, 80),
    "proteins with gaps": strings("ACDEFGHIKLMNPQRSTVWY-*", 60, 80),
    "hashes": strings("0123456789abcdef", 50, 40),
}


@pytest.mark.parametrize("X", UNSPLIT.values(), ids=UNSPLIT)
@pytest.mark.parametrize("min_df", [1, 2])
def test_texts_that_are_not_split_into_words_are_told(X, min_df):
    with pytest.warns(UserWarning, match=r"occur in one text only.*analyzer='char'.*analyzer='subword'"):
        Text(min_df=min_df).fit(X)
    with pytest.warns(UserWarning, match=r"occur in one text only.*analyzer='char'"):
        Word2VecPretrainer(modality=Text(min_df=min_df), n_components=2, max_epochs=1).fit(X)
    for analyzer in ("char", "subword"):
        Text(analyzer=analyzer, min_df=min_df).fit(X)


def test_k_mers_that_are_too_long_are_told():
    with pytest.warns(UserWarning, match="tokens of X.*occur in one text only.*shorter n-grams"):
        Text(analyzer="char", ngram_range=(20, 20)).fit(UNSPLIT["DNA"])


CITIES = [
    "Oslo",
    "Paris",
    "北京市",
    "上海市",
    "東京都",
    "กรุงเทพมหานคร",
    "Thiruvananthapuram",
    "Llanfairpwllgwyngyll",
]
SPLIT = {
    "city names": list(np.random.default_rng(0).choice(CITIES, 60)),
    "long labels": ["not_applicable_to_this_person", "中华人民共和国香港特别行政区"] * 30,
    "DNA that repeats": ["GATTACA", "TAGACAT", "CATGATT", "ACATGAT"] * 5,
    "Chinese with spaces": [
        " ".join(np.random.default_rng(i).choice(["今天", "天气", "很", "好", "公园"], 6)) for i in range(30)
    ],
    "two texts": ["one text", "another line"],
    "five texts": ["今天天气很好我们去公园", *strings(ZH, 4, 14)],
    "a few sentences": [
        "How do I get a refund?",
        "My parcel is late.",
        "I want my money back.",
        "Where is it?",
    ]
    * 2,
    "empty": [""] * 30,
    "signs": ["!!", "??", "..."] * 10,
    "single letters": list("abcdefghij"),
    "names and surnames": [f"{a} {b}" for a in ("Ann", "Bob", "Eve") for b in strings("abcdefgh", 10, 8)],
}


@pytest.mark.parametrize("X", SPLIT.values(), ids=SPLIT)
def test_labels_and_small_sets_of_texts_are_no_such_texts(X):
    Text().fit(X).validate(X)
    Text(min_df=1).fit(X).validate(X)


@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
def test_texts_of_another_language_are_told_in_transform(analyzer):
    X = ["the cat sat on the mat", "a dog sat on the cat", "the mat is a cat"] * 8
    other = ["собака лежит на коврике", "кошка, собака и коврик.", "где моя кошка?", "вот она, кошка"]
    est = ContrastivePretrainer(modality=Text(analyzer=analyzer), encoder="bag", **FAST).fit(X)
    words = Word2VecPretrainer(modality=Text(analyzer=analyzer), n_components=4, max_epochs=1).fit(X)
    for call in (est.transform, est.score, words.transform):
        with pytest.warns(UserWarning, match="Most tokens of 100% of the texts are unknown"):
            call(other)
        call([*X[:2], *other[:2]])
    est.transform(other[:1])


def test_new_texts_that_were_not_split_are_told_in_transform():
    with pytest.warns(UserWarning, match="one text only"):
        est = ContrastivePretrainer(encoder="bag", **FAST).fit(UNSPLIT["Chinese with punctuation"])
    with pytest.warns(UserWarning, match=r"unknown.*analyzer='char'"):
        est.transform(sentences(ZH[::-1], 20, "，", "。"))


def test_a_small_vocabulary_is_no_sign_of_another_language():
    X = [" ".join(np.random.default_rng(i).choice(list("abcdefghijklmnopqrst"), 12)) for i in range(60)]
    text = Text(max_features=4).fit(X)
    text.validate(X)


LONG = [" ".join(["some", "words", "of", "a", "text"] * 100) for _ in range(8)]


@pytest.mark.parametrize("analyzer", ["word", "char", "subword"])
def test_texts_that_lose_much_at_max_length_are_told_once(analyzer):
    with pytest.warns(
        UserWarning, match=r"8 texts of X are longer than max_length=256 tokens.*tokens are lost"
    ) as caught:
        text = Text(analyzer=analyzer).fit([*LONG, "short text"])
    assert len(caught) == 1
    text.validate(LONG)
    Text(analyzer=analyzer, max_length=None).fit(LONG)
    Text(analyzer=analyzer, max_length=50).fit(LONG)  # said by the user
    Text(analyzer=analyzer).fit([*LONG[:4], "short text"])


def test_the_share_that_is_lost_is_right():
    for analyzer in ("word", "subword"):
        with pytest.warns(UserWarning, match="cut: 4[89]% of all"):
            Text(analyzer=analyzer, min_df=1).fit(["word " * 500] * 6)
    Text().fit(["word " * 300] * 6)  # less than a fifth


@pytest.mark.parametrize("analyzer", ["word", "char", "subword"])
def test_long_texts_are_told_in_transform_too(analyzer):
    text = Text(analyzer=analyzer, min_df=1).fit(["some words of a text"] * 6)
    with pytest.warns(UserWarning, match="8 texts of X are longer than max_length=256"):
        text.validate(LONG)
    Text(analyzer=analyzer, min_df=1, max_length=50).fit(["some words of a text"] * 6).validate(LONG)


@pytest.mark.parametrize("sign", ["\u00ad", "\u200e", "\u2060", "\ufeff"], ids=ascii)
def test_what_is_not_seen_breaks_no_word(sign):
    text = Text(min_df=1).fit([f"co{sign}operate {sign}well"] * 3)
    assert {"cooperate", "well"} <= set(text.names()) and not any(sign in name for name in text.names())


@pytest.mark.parametrize(
    "rows, message",
    [
        (pl.Series([["a", "b"], ["b"]]), r"Series with 2 tokens.*' '.join\(tokens\)"),
        ([{"a"}, {"b"}], "set with 1 tokens"),
        ([[1, 2, 3], [2, 3]], r"list with 3 numbers of tokens.*map\(str, row\)"),
        ([b"", b"a"], r"bytes: b''\. Decode bytes"),
        ([{}, {}], "dict: {}"),
    ],
    ids=["polars", "sets", "numbers", "bytes", "dicts"],
)
def test_rows_of_other_types_are_told_how_to_be_passed(rows, message):
    with pytest.raises(TypeError, match=message):
        Text().fit(rows)


ADDRESSES = [f"https://example.org/shop/item/{i * 7919:06x}" for i in range(30)]


@pytest.mark.parametrize(
    "texts",
    [ADDRESSES, [f"the order {i * 7919} came late" for i in range(30)]],
    ids=["addresses", "one word of five"],
)
def test_texts_that_differ_in_words_that_are_left_out_are_told(texts):
    with pytest.warns(UserWarning, match=r"get the same features as others.*min_df=1") as told:
        Text().fit(texts)
    assert len(told) == 1
    kept = Text(min_df=1).fit(texts)  # as advised
    assert len({tuple(row) for row in kept.validate(texts)[np.arange(30)].ids.tolist()}) == 30


@pytest.mark.filterwarnings("error")
def test_texts_that_differ_in_what_is_kept_are_not_told():
    Text().fit(
        ["the cat sees a dog", "the dog sees a cat"] * 20
        + [f"the {i % 7} sees the {i % 5}" for i in range(40)]
    )
    Text().fit(["Oslo", "Bergen", "Oslo ", "oslo"] * 10)
