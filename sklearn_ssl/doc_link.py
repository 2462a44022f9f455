"""Where the "?" of an estimator's HTML diagram leads to."""

from __future__ import annotations

README = "https://github.com/sklearn-ssl/sklearn-ssl/blob/main/README.md"
SECTIONS = {
    "Audio": "sound",
    "AutoencoderPretrainer": "reconstruct-denoise-sample",
    "AutoregressivePretrainer": "texts-and-other-strings",
    "FewLabelClassifier": "few-labels-to-the-end",
    "GANPretrainer": "reconstruct-denoise-sample",
    "Image": "images",
    "LabelDiffusion": "few-labels-to-the-end",
    "LabeledOnly": "more-unlabeled-rows-than-labelled-ones",
    "PredictiveCodingPretrainer": "sound",
    "RowSelector": "few-labels-to-the-end",
    "SegmentOrderPretrainer": "texts-and-other-strings",
    "SelfOrganizingMap": "self-organizing-map",
    "Series": "series",
    "Tabular": "tables-as-they-are",
    "Text": "texts-and-other-strings",
    "VAEPretrainer": "reconstruct-denoise-sample",
    "Word2VecPretrainer": "texts-and-other-strings",
}  # of README, by class; the others are in the table of all methods


class DocLinkMixin:
    """Link of the HTML diagram, as scikit-learn's own estimators have one; only for classes of this package."""

    _doc_link_module = "sklearn_ssl"
    _doc_link_template = README + "#{section}"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        return {"section": SECTIONS.get(type(self).__name__, "all-methods")}
