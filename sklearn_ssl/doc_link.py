"""Where the "?" of an estimator's HTML diagram leads to."""

from __future__ import annotations

DOCS = "https://github.com/sklearn-ssl/sklearn-ssl/blob/main/"
README = DOCS + "README.md"
GUIDE = "docs/guide/"
SECTIONS = {
    "Audio": GUIDE + "series_and_sound.md#sound",
    "AutoencoderPretrainer": GUIDE + "images.md#reconstruct-denoise-sample",
    "AutoregressivePretrainer": GUIDE + "texts.md",
    "DistillationClassifier": GUIDE + "transfer.md#distil",
    "DistillationPretrainer": GUIDE + "transfer.md#distil",
    "FewLabelClassifier": GUIDE + "many_rows_few_labels.md#the-best-from-few-labels",
    "FewLabelRegressor": GUIDE + "many_rows_few_labels.md#the-best-from-few-labels",
    "FineTuneClassifier": GUIDE + "transfer.md#fine-tune",
    "FineTuneRegressor": GUIDE + "transfer.md#fine-tune",
    "GANPretrainer": GUIDE + "images.md#reconstruct-denoise-sample",
    "Image": GUIDE + "images.md",
    "LabelDiffusion": GUIDE + "many_rows_few_labels.md#the-best-from-few-labels",
    "LabeledOnly": GUIDE + "many_rows_few_labels.md#all-rows-in-one-x",
    "PredictiveCodingPretrainer": GUIDE + "series_and_sound.md#sound",
    "RotationPretrainer": GUIDE + "images.md",
    "RowSelector": GUIDE + "no_labels.md#which-rows-to-label-first",
    "SegmentOrderPretrainer": GUIDE + "texts.md",
    "SelfOrganizingMap": GUIDE + "no_labels.md#look-at-the-rows",
    "Series": GUIDE + "series_and_sound.md#series",
    "Tabular": GUIDE + "tables.md",
    "Text": GUIDE + "texts.md",
    "VAEPretrainer": GUIDE + "images.md#reconstruct-denoise-sample",
    "Word2VecPretrainer": GUIDE + "texts.md",
    "ZeroShotClassifier": GUIDE + "transfer.md#classes-without-a-row",
}  # of the guide, by class; the others are in README's table of all methods


class DocLinkMixin:
    """Link of the HTML diagram, as scikit-learn's own estimators have one; only for classes of this package."""

    _doc_link_module = "sklearn_ssl"
    _doc_link_template = DOCS + "{section}"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        return {"section": SECTIONS.get(type(self).__name__, "README.md#all-methods")}
