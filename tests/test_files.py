"""Rows that stay on disk: tables in Parquet files, and arrays of memory maps, h5py and zarr."""

import pickle
import threading
import warnings

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import zarr
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    ContrastivePretrainer,
    DistillationPretrainer,
    FineTuneClassifier,
    MaskedPretrainer,
    RotationPretrainer,
    SelfOrganizingMap,
)
from sklearn_ssl.base._rows import learn_rows, store_of
from sklearn_ssl.files import DiskArray, ParquetTable, Survey
from sklearn_ssl.modalities import Image, Series, Tabular
from sklearn_ssl.modalities.tabular._categories import factorize
from sklearn_ssl.modalities.tabular._statistics import Tally
from sklearn_ssl.training import BatchLoader, BlockStore, Rows

GROUP, N = 20, 200
SHORT = {"max_epochs": 1, "n_components": 8, "batch_size": 50, "random_state": 0}
UNTRAINED = SHORT | {"max_epochs": 0}


def mixed(n=N):
    """Return a table with numbers of several sizes, holes, flags and categories, of which one is rare."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 3)) * [1, 1e3, 1e-3], columns=["a", "b", "c"])
    X["n"] = rng.integers(0, 9, n)
    X["flag"] = np.arange(n) >= n // 2  # sorted: most row groups have one value
    X["same"] = 7.0
    X["k"] = rng.choice(["x", "y", "z"], n)
    X["z"] = pd.Categorical(np.where(np.arange(n) < n // 2, "u", "v"))
    X.loc[::7, "b"] = np.nan
    X.loc[3, "k"] = "once"
    X.loc[5::40, "k"] = None
    return X


@pytest.fixture(scope="module")
def frame():
    return mixed()


@pytest.fixture(scope="module")
def folder(frame, tmp_path_factory):
    """Return a folder of four files with row groups of twenty rows."""
    place = tmp_path_factory.mktemp("table")
    for i in range(4):
        frame[50 * i : 50 * (i + 1)].to_parquet(place / f"{i}.parquet", row_group_size=GROUP)
    (place / "_metadata").write_text("no table")
    return place


def in_blocks(folder, n_mixed=3, **options):
    table = ParquetTable(folder, **options)
    return ParquetTable(folder, buffer_bytes=(3 + n_mixed) * GROUP * table.row_bytes, **options)


def test_small_table_is_as_in_memory(folder, frame):
    table = ParquetTable(folder)
    assert table.shape == frame.shape and len(table) == N and table.n_blocks == 12 and table.is_small
    pd.testing.assert_frame_equal(table.whole(), frame)
    ssl, same = ContrastivePretrainer(**SHORT).fit(table), ContrastivePretrainer(**SHORT).fit(frame)
    assert ssl.history_ == same.history_
    np.testing.assert_array_equal(ssl.transform(table), same.transform(frame))


def test_all_statistics_are_those_of_all_rows(folder, frame):
    table = in_blocks(folder)
    assert not table.is_small and table.n_mixed(table.row_bytes) == 3
    ssl, same = ContrastivePretrainer(**UNTRAINED).fit(table), Tabular().fit(frame)
    for name, value in vars(same).items():
        found = getattr(ssl.modality_, name)
        if name == "edges_":  # of a sample
            there = np.isfinite(value)
            np.testing.assert_array_equal(np.isfinite(found), there)
            np.testing.assert_allclose(found[there], value[there], atol=0.5)
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
            np.testing.assert_allclose(found, value, rtol=1e-9, err_msg=name)
        elif name != "frame_":
            np.testing.assert_array_equal(
                np.asarray(found, dtype=object), np.asarray(value, dtype=object), name
            )
    assert list(ssl.feature_names_in_) == list(frame.columns)
    assert ssl.modality_.frame_["names"] == same.frame_["names"]


def test_sample_of_many_blocks_is_few_pieces():
    class Counted(DiskArray):
        pieces = 0

        def join(self, parts):
            self.pieces = max(self.pieces, len(parts))
            return super().join(parts)

    blocks = Counted(np.arange(4000.0).reshape(2000, 2).view(np.memmap), buffer_bytes=256)
    survey = Survey(blocks)
    for _ in survey:
        pass
    drawn = np.sort(np.random.default_rng(0).choice(2000, blocks.n_sampled, replace=False))
    assert np.array_equal(survey.sample, np.arange(4000.0).reshape(2000, 2)[drawn])
    assert blocks.n_sampled > 200 and 1 < blocks.pieces <= 32


def test_magnitude_that_the_sample_lacks(tmp_path):
    X = pd.DataFrame({"a": np.zeros(400), "b": np.arange(400.0)})
    X.loc[33, "a"] = 1e200  # its square overflows
    X.to_parquet(tmp_path / "x.parquet", row_group_size=GROUP)
    ssl = ContrastivePretrainer(**UNTRAINED).fit(in_blocks(tmp_path))
    np.testing.assert_allclose(ssl.modality_.scale_, Tabular().fit(X).scale_)


def test_features_do_not_depend_on_how_rows_are_read(folder, frame):
    table = in_blocks(folder)
    ssl = MaskedPretrainer(**UNTRAINED).fit(table)
    Z = ssl.transform(frame)
    np.testing.assert_array_equal(ssl.transform(table), Z)
    np.testing.assert_array_equal(ssl.transform(in_blocks(folder, 2)), Z)
    np.testing.assert_allclose(ssl.score_samples(table), ssl.score_samples(frame), rtol=1e-5)
    assert ssl.score(table) == pytest.approx(ssl.score(frame), rel=0.1)  # other batches


def test_random_state_alone_decides(folder):
    table = in_blocks(folder)
    first = ContrastivePretrainer(**SHORT).fit(table).transform(table)
    torch.rand(3), np.random.default_rng().random()
    np.testing.assert_array_equal(
        ContrastivePretrainer(**SHORT).fit(in_blocks(folder)).transform(table), first
    )
    other = ContrastivePretrainer(**SHORT | {"random_state": 1}).fit(table)
    assert not np.array_equal(other.transform(table), first)


def test_training_goes_on(folder, tmp_path):
    table = in_blocks(folder)
    ssl = ContrastivePretrainer(early_stopping=True, checkpoint=tmp_path / "run", **SHORT).fit(table)
    assert {"train_loss", "valid_loss", "seen_loss"} <= ssl.history_[0].keys()
    ssl.partial_fit(table)
    assert len(ssl.history_) == 2
    again = clone(ssl).set_params(checkpoint=tmp_path / "run").fit(table)
    assert len(again.history_) == 1
    assert ssl.transform_views(table)[0].shape == (N, 8)
    # rows in another order would lead elsewhere
    with pytest.raises(ValueError, match="blocks mixed at a time is 5, and was 12"):
        ContrastivePretrainer(early_stopping=True, checkpoint=tmp_path / "run", **SHORT).fit(
            in_blocks(folder, 1)
        )


def block_store(sizes, n_mixed, reads=None):
    starts = np.concatenate([[0], np.cumsum(sizes)])
    rows = torch.arange(int(starts[-1]))

    def read(i):
        if reads is not None:
            reads.append(i)
        return Rows(rows[starts[i] : starts[i + 1]], lambda batch: batch)

    return BlockStore(starts, read, n_mixed, lambda: Rows(rows, lambda batch: batch))


def test_pass_sees_each_row_once_and_reads_each_block_once():
    reads = []
    store = block_store([7, 20, 1, 13, 20, 20, 3, 9], 3, reads)
    torch.manual_seed(0)
    batches = [batch for batch, _ in BatchLoader(store, 8, shuffle=True)]
    assert sorted(torch.cat(batches).tolist()) == list(range(93))
    assert {len(batch) for batch in batches} == {7, 8}
    assert sorted(reads) == list(range(8))
    plain = torch.cat([batch for batch, _ in BatchLoader(store, 8)])
    assert plain.tolist() == list(range(93))


def test_rows_of_several_blocks_are_mixed():
    store = block_store([50] * 20, 5)
    torch.manual_seed(0)
    for batch, _ in BatchLoader(store, 50, shuffle=True):
        assert len(torch.unique(batch // 50)) == 5
    first = [next(iter(store.rows_of_pass(True)))[0] for _ in range(20)]
    assert len(set(first)) > 10


def test_buffer_holds_the_blocks_that_are_mixed_and_the_one_that_is_read(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4000, 4)))
    X = np.load(tmp_path / "x.npy", mmap_mode="r")
    blocks = DiskArray(X, buffer_bytes=32 * 20 * X[0].nbytes)  # 32 blocks of 20 rows
    found = [blocks.n_mixed(n_bytes) for n_bytes in (X[0].nbytes, X[0].nbytes / 2, 1e9)]
    assert found == [29, 58, 2]
    for modality, n_mixed in ((Tabular(), 58), (Image(shape=(2, 2)), 29)):  # float32, and as they are
        assert learn_rows(modality, blocks).n_mixed == store_of(modality, blocks).n_mixed == n_mixed


def test_rows_set_aside_are_of_all_blocks():
    store = block_store([30] * 10, 2)
    train, valid = store.split(0.1, seed=0)
    rows = [part[np.arange(len(part))] for part in (train, valid)]
    assert sorted(torch.cat(rows).tolist()) == list(range(300))
    assert torch.bincount(rows[1] // 30).tolist() == [3] * 10


@pytest.mark.parametrize("kind", ["memmap", "h5py", "zarr"])
def test_arrays_on_disk(kind, tmp_path):
    X = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    array = disk_array(kind, X, tmp_path)
    same = ContrastivePretrainer(**SHORT).fit(X)
    np.testing.assert_array_equal(
        ContrastivePretrainer(**SHORT).fit(array).transform(array), same.transform(X)
    )
    blocks = DiskArray(array, buffer_bytes=100 * 5 * 4)
    assert blocks.n_blocks > 5 and not blocks.is_small
    ssl = ContrastivePretrainer(**UNTRAINED).fit(blocks)
    np.testing.assert_allclose(ssl.modality_.mean_, X.mean(0), atol=1e-6)
    out = disk_array(kind, np.zeros((300, 8), dtype=np.float32), tmp_path / "out")
    assert ssl.transform(blocks, out=out) is out
    np.testing.assert_array_equal(out[:], ssl.transform(X))
    np.testing.assert_array_equal(array[:], X)


def disk_array(kind, X, place):
    place.mkdir(exist_ok=True)
    if kind == "memmap":
        array = np.memmap(place / "x.bin", dtype=X.dtype, mode="w+", shape=X.shape)
        array[:] = X
        return array
    if kind == "h5py":
        return h5py.File(place / "x.h5", "w").create_dataset("x", data=X, chunks=(50, X.shape[1]))
    return zarr.create_array(str(place / "x.zarr"), data=X, chunks=(50, X.shape[1]))


def test_parts_of_memory_maps(tmp_path):
    X = np.random.default_rng(0).normal(size=(300, 6))
    np.save(tmp_path / "x.npy", X)
    for mode in ("r", "c"):
        array = np.load(tmp_path / "x.npy", mmap_mode=mode)
        if mode == "c":
            array[:] = X = X + 1  # changes that are in no file
        part = DiskArray(array[::2, 1:4], buffer_bytes=1000)
        np.testing.assert_array_equal(part.join([part.read(i) for i in range(part.n_blocks)]), X[::2, 1:4])
        np.testing.assert_array_equal(array, X)


def test_images_and_series_on_disk(tmp_path):
    X = np.random.default_rng(0).integers(0, 255, size=(120, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "x.npy", X)
    blocks = DiskArray(np.load(tmp_path / "x.npy", mmap_mode="r"), buffer_bytes=40 * 64)
    ssl = RotationPretrainer(modality=Image(), **UNTRAINED).fit(blocks)
    np.testing.assert_array_equal(ssl.transform(blocks), ssl.transform(X))
    series = DiskArray(np.load(tmp_path / "x.npy", mmap_mode="r"), buffer_bytes=40 * 64)
    assert ContrastivePretrainer(modality=Series(), **UNTRAINED).fit(series).transform(series).shape == (
        120,
        8,
    )


@pytest.mark.parametrize("name", ["folder", "one.parquet", "array.npy"])
def test_features_are_written_in_pieces(name, folder, frame, tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_ssl.base._pieces.PIECE", 64 * 4 * 8)
    table = in_blocks(folder)
    ssl = ContrastivePretrainer(**UNTRAINED).fit(table)
    Z = ssl.transform(frame)
    features = ssl.transform(table, out=tmp_path / "new" / name)
    assert features.shape == (N, 8)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]
    if name == "array.npy":
        np.testing.assert_array_equal(features, Z)
        return
    assert isinstance(features, ParquetTable) and features.n_blocks == 4
    np.testing.assert_array_equal(features.whole().to_numpy(), Z)
    assert features.column_names == list(ssl.get_feature_names_out())
    assert StandardScaler().partial_fit(features[:100]).n_samples_seen_ == 100


def test_pieces_and_files_are_bounded(folder, frame, tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_ssl.base._pieces.ROWS", 30)
    monkeypatch.setattr("sklearn_ssl.files._sink.CHUNKS", 2 * 8 - 1)  # two row groups of eight features
    ssl = ContrastivePretrainer(**UNTRAINED).fit(frame)
    features = ssl.transform(in_blocks(folder), out=tmp_path / "features")
    assert np.diff(features.starts).tolist() == [30] * 6 + [20] and len(features.files) == 4
    np.testing.assert_array_equal(features.whole(), ssl.transform(frame))


def test_features_that_are_not_finished_are_removed(folder, tmp_path):
    ssl = ContrastivePretrainer(**UNTRAINED).fit(mixed())
    good = pd.read_parquet(folder / "0.parquet")
    good.to_parquet(tmp_path / "x.parquet", row_group_size=GROUP)
    table = in_blocks(tmp_path / "x.parquet", -1)
    good.loc[GROUP:, "b"] = np.inf
    good.to_parquet(tmp_path / "x.parquet", row_group_size=GROUP)  # while it is read
    for name in ("folder", "one.parquet", "array.npy"):
        with pytest.raises(ValueError, match=r"In row group 1 of .*x.parquet: .*infinity.* Clip the values"):
            ssl.transform(table, out=tmp_path / "out" / name)
    assert not list((tmp_path / "out").iterdir())


def test_out_is_refused(folder, tmp_path):
    X = mixed(40)
    ssl = ContrastivePretrainer(**UNTRAINED).fit(X)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    with pytest.raises(ValueError, match=r"is there already\. Delete it"):
        ssl.transform(X, out=tmp_path / "there")
    with pytest.raises(ValueError, match=r"ends in '\.csv'\. Write 'name\.npy'"):
        ssl.transform(X, out=tmp_path / "x.csv")
    with pytest.raises(ValueError, match=r"must be an array of floats of shape \(40, 8\)"):
        ssl.transform(X, out=np.empty((40, 7)))
    with pytest.raises(TypeError, match="out must be a name, or an array"):
        ssl.transform(X, out=3)
    with pytest.raises(ValueError, match="Leave out one of them"):
        clone(ssl).fit(X).set_output(transform="pandas").transform(X, out=tmp_path / "new")


def test_table_gives_rows_and_pickles(folder, frame):
    table = in_blocks(folder, columns=["k", "a"])
    assert table.column_names == ["k", "a"] and repr(table).startswith("ParquetTable of 200 rows x 2 columns")
    expected = frame[["k", "a"]].iloc[[199, 0, 55, 0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(table))[[199, 0, 55, 0]], expected)
    pd.testing.assert_frame_equal(table[-2:], frame[["k", "a"]][-2:].reset_index(drop=True))
    assert len(table[np.arange(N) % 50 == 0]) == 4 and len(table[:0]) == 0
    with pytest.raises(IndexError, match="a slice, a list of numbers from 0 to 199, or a mask"):
        table[[N]]


def test_index_of_pandas_is_no_column(tmp_path):
    X = mixed(30).set_index("n")
    X.to_parquet(tmp_path / "x.parquet")
    assert ParquetTable(tmp_path / "x.parquet").column_names == list(X.columns)


def test_files_that_do_not_go_together(folder, tmp_path):
    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    X = pd.DataFrame({"a": [1.0, 2], "b": [1, 2], "c": ["x", "y"]})
    X.to_parquet(first)
    X[["a", "c"]].to_parquet(second)
    with pytest.raises(ValueError, match=r"2.parquet lacks columns \['b'\], compared with .*1.parquet"):
        ParquetTable(tmp_path)
    assert ParquetTable([first, second], columns=["c", "a"]).shape == (4, 2)
    X.assign(d=1).to_parquet(second)
    with pytest.raises(ValueError, match=r"2.parquet has further columns \['d'\]"):
        ParquetTable(tmp_path)
    X.assign(b=["1", "2"]).to_parquet(second)
    with pytest.raises(ValueError, match=r"Column 'b' holds texts .* in .*2.parquet, and numbers \(int64\)"):
        ParquetTable(tmp_path)
    X.assign(b=[0.5, np.nan], c=pd.Categorical(["y", None])).to_parquet(second)
    assert ParquetTable(tmp_path).shape == (4, 3)


def test_paths_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="There is no file or folder"):
        ParquetTable(tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"has no file \*.parquet"):
        ParquetTable(tmp_path)
    (tmp_path / "x.parquet").write_text("no table")
    with pytest.raises(ValueError, match=r"x.parquet cannot be read as a Parquet file"):
        ParquetTable(tmp_path)
    pd.DataFrame({"a": np.empty(0)}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="has no rows"):
        ParquetTable(tmp_path)
    with pytest.raises(ValueError, match="empty list"):
        ParquetTable([])
    with pytest.raises(TypeError, match="path must be a str"):
        ParquetTable(3)
    with pytest.raises(ValueError, match=r"has no columns \['q'\]. It has \['a', 'b'"):
        ParquetTable(folder, columns=["q"])
    with pytest.raises(TypeError, match=r"columns='a' must be a list of names: \['a'\]"):
        ParquetTable(folder, columns="a")
    with pytest.raises(ValueError, match="buffer_bytes=0 must be a positive integer"):
        ParquetTable(folder, buffer_bytes=0)


def test_row_group_that_is_too_large(frame, tmp_path):
    frame.to_parquet(tmp_path / "x.parquet")
    with pytest.raises(
        ValueError, match=r"row group 0 of .* has 200 rows, about .* Write the table anew"
    ) as error:
        ParquetTable(tmp_path, buffer_bytes=2**15)
    code = str(error.value).split("ones: ")[1].split(". Or allow")[0]
    place = str(tmp_path / "x.parquet"), str(tmp_path / "new")
    exec(code, {"path": place[0], "new_path": place[1]})
    assert ParquetTable(tmp_path / "new", buffer_bytes=2**15).shape == frame.shape
    wanted = str(error.value).split("ParquetTable(path, ")[1].removesuffix(").")
    assert ParquetTable(tmp_path / "x.parquet", buffer_bytes=int(wanted.split("=")[1])).n_blocks == 1


def test_arrays_are_refused(tmp_path):
    with pytest.raises(TypeError, match=r"and got ndarray\. Pass an array in memory to fit as it is"):
        DiskArray(np.zeros((3, 2)))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        texts = file.create_dataset("t", data=["a", "b"])
        large = file.create_dataset("x", data=np.zeros((200, 4)), chunks=(200, 4))
        with pytest.raises(ValueError, match="X holds object, and must hold numbers"):
            DiskArray(texts)
        with pytest.raises(
            ValueError, match=r"Chunks of X have 200 rows, .* Write X with chunks of fewer rows"
        ):
            DiskArray(large, buffer_bytes=1000)
        with pytest.raises(ValueError, match="has no rows"):
            DiskArray(file.create_dataset("e", data=np.zeros((0, 3))))
    with pytest.raises(ValueError, match="a file that is closed"):
        ContrastivePretrainer().fit(large)


def test_blocks_elsewhere_are_refused(folder, frame):
    table = in_blocks(folder)
    numbers = in_blocks(folder, columns=["a", "c"])
    with pytest.raises(TypeError, match="can only be X of a pretrainer that needs nothing else"):
        ContrastivePretrainer().fit(frame, X_unlabeled=table)
    teacher = ContrastivePretrainer(**UNTRAINED).fit(numbers)
    with pytest.raises(TypeError, match="can only be X of a pretrainer that needs nothing else"):
        DistillationPretrainer(teacher).fit(numbers)
    for estimator in (SelfOrganizingMap(), FineTuneClassifier(MaskedPretrainer(max_epochs=0))):
        with pytest.raises(TypeError, match=r"others cannot. If it fits into memory, pass X.whole\(\)"):
            estimator.fit(numbers, np.arange(N) % 2)
    with pytest.raises(ValueError, match="RotationPretrainer needs images"):
        RotationPretrainer().fit(numbers)
    with pytest.raises(TypeError, match="Series does not take tables"):
        ContrastivePretrainer(modality=Series()).fit(numbers)


def test_rows_of_another_table(folder, frame):
    ssl = ContrastivePretrainer(**UNTRAINED).fit(in_blocks(folder))
    with pytest.raises(ValueError, match="feature names"):
        ssl.transform(in_blocks(folder, columns=["a", "b"]))


def test_warnings_come_once(folder, frame, tmp_path):
    table = in_blocks(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ssl = ContrastivePretrainer(**SHORT).fit(table)  # blocks have one category, or one value
        ssl.transform(table)
    frame.assign(a=np.nan).to_parquet(tmp_path / "x.parquet", row_group_size=GROUP)
    with pytest.warns(UserWarning, match=r"Columns \['a'\] lack values") as found:
        ssl.transform(in_blocks(tmp_path))
    assert len(found) == 1 and found[0].filename == __file__


def test_column_that_is_empty_in_the_sample(tmp_path):
    X = pd.DataFrame({"a": np.arange(400.0), "k": pd.Series([None] * 400, dtype=object)})
    X.loc[[31, 32], "k"] = "x"
    X.to_parquet(tmp_path / "x.parquet", row_group_size=GROUP)
    ssl = ContrastivePretrainer(**UNTRAINED).fit(in_blocks(tmp_path))
    assert ssl.modality_.categories_ == (("x",),)
    X["k"] = pd.Series([None] * 400, dtype=object)
    X.astype({"k": "string"}).to_parquet(tmp_path / "x.parquet", row_group_size=GROUP)
    with pytest.warns(UserWarning, match="Column 'k' has no value in fit"):
        ContrastivePretrainer(**UNTRAINED).fit(in_blocks(tmp_path))


def test_counts_of_many_values_are_bounded():
    tally, values = Tally(most=50), np.array([f"v{i}" for i in range(5000)])
    for start in range(0, 5000, 100):
        part = np.concatenate([values[start : start + 100], ["often"] * 3, ["seldom"]])
        tally.add(factorize(part.astype(object)))
    assert len(tally.counts) <= 204
    known, rare = tally.categories(100)
    assert known[0] == "often" and tally.counts["often"] == 150 and rare
    total = sum(tally.counts.values()) + tally.forgotten
    assert total == 5200 and tally.rare_share(("often",)) == pytest.approx(5050 / 5200)


def test_pipeline_takes_a_table(folder, frame):
    pipe = make_pipeline(ContrastivePretrainer(**UNTRAINED), StandardScaler()).fit(in_blocks(folder))
    assert pipe.transform(in_blocks(folder)).shape == (N, 8)


def test_threads_share_a_table(folder, frame):
    table = in_blocks(folder)
    ssl = ContrastivePretrainer(**UNTRAINED).fit(frame)
    Z, found = ssl.transform(frame), []
    threads = [threading.Thread(target=lambda: found.append(ssl.transform(table))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3 and all(np.array_equal(one, Z) for one in found)
