"""How a combination of estimators is saved without pickle."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.frozen import FrozenEstimator

from ..persistence import SaveMixin
from ._saved import damaged, model_of, state_of
from ._views import AS_IS, RAW, AsIs, view_of_state


class SavedMembersMixin(SaveMixin):
    """A combination whose pretrainers are saved whole, and whose members are saved whole or as arrays."""

    _of_parts: ClassVar[tuple[str, ...]] = ("pretrainers_", "estimators_")

    modality_: Any

    def _parts(self) -> dict[str, Any]:
        bare = {f"pretrainer {name}": _bare(one) for name, one in self.pretrainers_.items()}
        members = {f"member {i}": model for i, (_, model, _) in enumerate(self.estimators_)}
        return bare | {name: model for name, model in members.items() if isinstance(model, SaveMixin)}

    def _plain(self) -> dict[str, Any]:
        raw = self._view_of.get(RAW)
        return {
            "names": [name for name, *_ in self.estimators_],
            "views": [view for *_, view in self.estimators_],
            "models": [None if isinstance(m, SaveMixin) else state_of(m) for _, m, _ in self.estimators_],
            "raw": None if raw is None else raw.state(),
        }

    def _take_parts(self, parts: dict[str, Any], plain: dict[str, Any]) -> None:
        self.pretrainers_ = {
            name.removeprefix("pretrainer "): part
            for name, part in parts.items()
            if name.startswith("pretrainer ")
        }
        self._view_of = self.pretrainers_ | {AS_IS: AsIs()}
        if plain["raw"] is not None:
            self._view_of[RAW] = view_of_state(self.modality_, plain["raw"])
        models = [
            parts[f"member {i}"] if state is None else model_of(state, len(getattr(self, "classes_", ())))
            for i, state in enumerate(plain["models"])
        ]
        self.estimators_ = list(zip(plain["names"], models, plain["views"], strict=True))
        if not {view for *_, view in self.estimators_} <= self._view_of.keys():
            raise damaged("views")


def _bare(pretrainer: Any) -> SaveMixin:
    """Return a pretrainer without the ``FrozenEstimator`` around it, or raise an error if it cannot be saved."""
    inner = pretrainer.estimator if isinstance(pretrainer, FrozenEstimator) else pretrainer
    if not isinstance(inner, SaveMixin):
        raise TypeError(f"{type(inner).__name__} cannot be saved without pickle. Pickle the whole.")
    return inner
