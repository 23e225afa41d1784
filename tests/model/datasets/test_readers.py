"""Each public layout as a small tree made exactly as its authors ship it."""

from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from model.datasets.catalogue import LAYOUTS, open_dataset
from model.datasets.files import FrameFiles
from model.datasets.tracklets import DISTRACTOR, Dataset, Protocol, TrackletSource, joined
from model.errors import InvalidParameter


def touch(paths: Iterable[Path]) -> None:
    """Pictures whose bytes are their own names: readers never look inside."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode())


def names(tracklet: TrackletSource) -> list[str]:
    return [tracklet.frames.read(i).decode() for i in range(len(tracklet.frames))]


def labels(tracklets: tuple[TrackletSource, ...]) -> list[tuple[int, int]]:
    return [(tracklet.identity, tracklet.camera) for tracklet in tracklets]


@pytest.fixture
def mars(tmp_path: Path) -> Path:
    """Two training people; in the test one real person, one distractor, one junk tracklet."""
    train = ["0001C1T0001F001.jpg", "0001C1T0001F002.jpg", "0003C2T0001F001.jpg"]
    test = [
        "00-1C1T0001F001.jpg",
        "0000C1T0001F001.jpg",
        "0002C1T0001F001.jpg",
        "0002C1T0001F002.jpg",
        "0002C2T0001F001.jpg",
        "0002C3T0001F001.jpg",
    ]
    touch(tmp_path / "bbox_train" / name[:4] / name for name in train)
    touch(tmp_path / "bbox_test" / name[:4] / name for name in test)
    info = tmp_path / "info"
    info.mkdir()
    (info / "train_name.txt").write_text("\n".join(train) + "\n")
    (info / "test_name.txt").write_text("\n".join(test) + "\n")
    rows = np.array([[1, 2, 1, 1], [3, 3, 3, 2]], np.uint16)
    scipy.io.savemat(info / "tracks_train_info.mat", {"track_train_info": rows})
    rows = np.array([[1, 1, -1, 1], [2, 2, 0, 1], [3, 4, 2, 1], [5, 5, 2, 2], [6, 6, 2, 3]])
    scipy.io.savemat(info / "tracks_test_info.mat", {"track_test_info": rows.astype(np.int32)})
    scipy.io.savemat(info / "query_IDX.mat", {"query_IDX": np.array([[3, 5]], np.uint16)})
    return tmp_path


def test_mars_has_both_protocols_without_junk_and_with_distractors(mars: Path) -> None:
    data = open_dataset("mars", mars)

    official, removed = data.protocols
    assert labels(data.train) == [(1, 1), (3, 2)]
    assert names(data.train[0]) == ["0001C1T0001F001.jpg", "0001C1T0001F002.jpg"]
    assert official.name == "MARS official"
    assert labels(official.query) == [(2, 1), (2, 3)]
    assert labels(official.gallery) == [(DISTRACTOR, 1), (2, 1), (2, 2), (2, 3)]
    assert removed.name == "MARS queries removed"
    assert labels(removed.query) == [(2, 1), (2, 3)]
    assert labels(removed.gallery) == [(DISTRACTOR, 1), (2, 2)]
    assert names(official.gallery[0]) == ["0000C1T0001F001.jpg"]


def test_mars_query_numbers_do_not_wrap_around(mars: Path) -> None:
    scipy.io.savemat(mars / "info" / "query_IDX.mat", {"query_IDX": np.array([[0]], np.uint16)})

    with pytest.raises(InvalidParameter, match=r"query_IDX\.mat points outside"):
        open_dataset("mars", mars)


def test_mars_tracks_must_fit_their_names(mars: Path) -> None:
    (mars / "info" / "test_name.txt").write_text("0002C1T0001F001.jpg\n")

    with pytest.raises(InvalidParameter, match="fewer than its tracks need"):
        open_dataset("mars", mars)


@pytest.mark.parametrize(
    "missing",
    [
        "info/train_name.txt",
        "info/test_name.txt",
        "info/tracks_train_info.mat",
        "info/tracks_test_info.mat",
        "info/query_IDX.mat",
    ],
)
def test_mars_names_the_missing_file_and_its_place(mars: Path, missing: str) -> None:
    (mars / missing).unlink()

    with pytest.raises(InvalidParameter) as caught:
        open_dataset("mars", mars)

    assert Path(missing).name in str(caught.value)
    assert str(mars / missing) in str(caught.value)


def test_a_matlab_file_without_its_variable_is_named(mars: Path) -> None:
    scipy.io.savemat(mars / "info" / "query_IDX.mat", {"other": np.array([[1]])})

    with pytest.raises(InvalidParameter, match="no variable 'query_IDX'"):
        open_dataset("mars", mars)


def test_a_broken_matlab_file_is_named(mars: Path) -> None:
    (mars / "info" / "query_IDX.mat").write_bytes(b"not a MATLAB file at all" * 20)

    with pytest.raises(InvalidParameter, match="not a readable MATLAB file"):
        open_dataset("mars", mars)


@pytest.fixture
def lsvid(tmp_path: Path) -> Path:
    """One training sequence, three test sequences of which the second is the query."""
    sequences = {
        "train": [("tracklet_train/0001/0001_c01_04_0001", 1, 4)],
        "test": [
            ("tracklet_test/0002/0002_c01_01_0001", 2, 1),
            ("tracklet_test/0002/0002_c02_15_0001", 2, 15),
            ("tracklet_test/0007/0007_c01_03_0001", 7, 3),
        ],
    }
    for half, rows in sequences.items():
        listing = tmp_path / "list_sequence" / f"list_seq_{half}.txt"
        listing.parent.mkdir(exist_ok=True)
        listing.write_text("".join(f"./{prefix} {pid}\n" for prefix, pid, _ in rows))
        for prefix, pid, camera in rows:
            folder = (tmp_path / prefix).parent
            stem = f"{pid:04d}_{Path(prefix).name.split('_')[1]}_{camera:02d}_0001"
            touch(folder / f"{stem}{frame:04d}.jpg" for frame in (10, 2, 1))
            listing.write_text(listing.read_text().replace(prefix, str(Path(prefix).parent / stem)))
    information = tmp_path / "test" / "data" / "info_test.mat"
    information.parent.mkdir(parents=True)
    with h5py.File(information, "w") as file:
        # MATLAB stores a 1 x n row as an n x 1 data set.
        file["query"] = np.array([[2]], np.float64)
    return tmp_path


def test_lsvid_reads_sorted_frames_cameras_and_a_version_7_3_query_list(lsvid: Path) -> None:
    data = open_dataset("lsvid", lsvid)

    (protocol,) = data.protocols
    assert labels(data.train) == [(1, 4)]
    assert [name[-8:] for name in names(data.train[0])] == ["0001.jpg", "0002.jpg", "0010.jpg"]
    assert labels(protocol.query) == [(2, 15)]
    assert labels(protocol.gallery) == [(2, 1), (7, 3)]


def test_lsvid_accepts_repacks_with_an_info_folder(lsvid: Path) -> None:
    (lsvid / "info").mkdir()
    (lsvid / "test").rename(lsvid / "info" / "test")

    assert labels(open_dataset("lsvid", lsvid).protocols[0].query) == [(2, 15)]


@pytest.mark.parametrize("missing", ["list_sequence/list_seq_train.txt", "test/data/info_test.mat"])
def test_lsvid_names_the_missing_file(lsvid: Path, missing: str) -> None:
    (lsvid / missing).unlink()

    with pytest.raises(InvalidParameter, match=Path(missing).name):
        open_dataset("lsvid", lsvid)


@pytest.mark.parametrize("style", ["{p:04d}_C{c}_F{f:04d}_X{x}.jpg", "{p:04d}C{c}F{f:04d}X{x}.jpg"])
def test_duke_sorts_by_frame_number_in_both_spellings(tmp_path: Path, style: str) -> None:
    for half, person, camera in [("train", 1, 6), ("query", 2, 1), ("gallery", 2, 8)]:
        folder = tmp_path / half / f"{person:04d}" / "0042"
        touch(folder / style.format(p=person, c=camera, f=f, x=99 - f) for f in (99, 5, 50))

    data = open_dataset("duke", tmp_path)

    (protocol,) = data.protocols
    assert labels(data.train) == [(1, 6)]
    assert labels(protocol.query) == [(2, 1)]
    assert labels(protocol.gallery) == [(2, 8)]
    assert [name[-6:-4] for name in names(data.train[0])] == ["94", "49", "X0"]


def test_duke_names_a_missing_half_and_an_odd_file(tmp_path: Path) -> None:
    touch([tmp_path / "train" / "0001" / "0001" / "holiday.jpg"])
    with pytest.raises(InvalidParameter, match="holiday"):
        open_dataset("duke", tmp_path)
    with pytest.raises(InvalidParameter, match="train"):
        open_dataset("duke", tmp_path / "elsewhere")


@pytest.fixture
def ilids(tmp_path: Path) -> Path:
    """Six people with gaps in their numbers, two splits."""
    people = [1, 2, 5, 9, 10, 11]
    for camera in (1, 2):
        folder = tmp_path / "i-LIDS-VID" / "sequences" / f"cam{camera}"
        touch(
            folder / f"person{p:03d}" / f"cam{camera}_{p}_{f}.png" for p in people for f in (1, 2)
        )
    orders = np.array([[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]], np.uint8)
    path = tmp_path / "train-test people splits" / "train_test_splits_ilidsvid.mat"
    path.parent.mkdir()
    scipy.io.savemat(path, {"ls_set": orders})
    return tmp_path


def test_ilids_splits_index_the_sorted_people(ilids: Path) -> None:
    data = open_dataset("ilids", ilids, split=2)

    assert {t.identity for t in data.train} == {11, 10, 9}
    (protocol,) = data.protocols
    assert protocol.name == "iLIDS-VID split 2"
    assert labels(protocol.query) == [(5, 1), (2, 1), (1, 1)]
    assert labels(protocol.gallery) == [(5, 2), (2, 2), (1, 2)]


def test_ilids_without_a_split_has_all_of_them_and_nothing_to_train_on(ilids: Path) -> None:
    data = open_dataset("ilids", ilids)

    assert data.train == ()
    assert len(data.protocols) == 2


def test_ilids_has_no_split_beyond_its_own(ilids: Path) -> None:
    with pytest.raises(InvalidParameter, match="splits 1 to 2"):
        open_dataset("ilids", ilids, split=3)


def test_prid_takes_people_whom_both_cameras_saw_long_enough(tmp_path: Path) -> None:
    frames = {1: (30, 27), 2: (26, 40), 3: (27, 27), 201: (30, 30), 4: (50, 50), 5: (28, 29)}
    for person, counts in frames.items():
        for camera, count in zip("ab", counts, strict=True):
            folder = (
                tmp_path / "prid_2011" / "multi_shot" / f"cam_{camera}" / f"person_{person:04d}"
            )
            touch(folder / f"{f:04d}.png" for f in range(count))

    data = open_dataset("prid", tmp_path, split=1)
    everything = open_dataset("prid", tmp_path)

    (protocol,) = data.protocols
    tested, trained = {t.identity for t in protocol.query}, {t.identity for t in data.train}
    assert tested | trained == {1, 3, 4, 5}
    assert not tested & trained
    assert labels(protocol.gallery) == [(person, 1) for person, _ in labels(protocol.query)]
    assert len(everything.protocols) == 10
    assert everything.train == ()
    assert open_dataset("prid", tmp_path, split=1).protocols[0].query[0].identity in tested


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for half, person, camera, tracklet in [
        ("train", "ann", "door", "1"),
        ("train", "bob", "yard", "1"),
        ("query", "cy", "door", "1"),
        ("gallery", "cy", "yard", "1"),
        ("gallery", "di", "yard", "7"),
        ("test", "ed", "door", "1"),
    ]:
        touch(tmp_path / half / person / camera / tracklet / f"{f}.jpg" for f in "ab")
    (tmp_path / "train" / "ann" / "door" / "1" / "notes.txt").write_text("no picture")
    return tmp_path


def test_folders_number_names_the_same_everywhere(folders: Path) -> None:
    data = open_dataset("folders", folders)

    split, everyone = data.protocols
    assert len({t.identity for t in data.train}) == 2
    assert split.query[0].identity == split.gallery[0].identity != split.gallery[1].identity
    assert split.query[0].camera != split.gallery[0].camera
    assert names(data.train[0]) == ["a.jpg", "b.jpg"]
    assert everyone.query == everyone.gallery


def test_folders_need_a_query_with_a_gallery(folders: Path) -> None:
    (folders / "gallery").rename(folders / "other")

    with pytest.raises(InvalidParameter, match="both query and gallery"):
        open_dataset("folders", folders)


def test_folders_say_what_they_expect(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="train, test, query"):
        open_dataset("folders", tmp_path)


def test_an_empty_tracklet_is_named(folders: Path) -> None:
    (folders / "train" / "ann" / "door" / "2").mkdir()

    with pytest.raises(InvalidParameter, match="no pictures in"):
        open_dataset("folders", folders)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_absent_root_is_said_to_be_absent(layout: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="nowhere"):
        open_dataset(layout, tmp_path / "nowhere")


def test_unknown_names_and_splits_are_refused(mars: Path) -> None:
    with pytest.raises(InvalidParameter, match="no data set 'market'"):
        open_dataset("market", mars)
    with pytest.raises(InvalidParameter, match="no splits"):
        open_dataset("mars", mars, split=1)


def test_a_protocol_is_found_by_name(mars: Path) -> None:
    data: Dataset = open_dataset("mars", mars)

    assert data.protocol("MARS official") is data.protocols[0]
    with pytest.raises(InvalidParameter, match="'MARS queries removed'"):
        data.protocol("MARS")


class TestJoined:
    def tracklet(self, identity: int, camera: int, family: int | None = None) -> TrackletSource:
        return TrackletSource(identity, camera, FrameFiles(()), environment=camera, family=family)

    def test_nobody_and_nothing_of_one_set_is_the_same_as_of_another(self) -> None:
        first = Dataset("a", (self.tracklet(0, 0, 0), self.tracklet(4, 2, 1)), ())
        second = Dataset("b", (self.tracklet(0, 0, 0), self.tracklet(1, 0)), ())

        both = joined([first, second, second])

        assert both.name == "a+b+b"
        assert [one.identity for one in both.train] == [0, 4, 5, 6, 7, 8]
        assert [one.camera for one in both.train] == [0, 2, 3, 3, 4, 4]
        assert [one.environment for one in both.train] == [0, 2, 3, 3, 4, 4]
        assert [one.family for one in both.train] == [0, 1, 2, None, 3, None]

    def test_the_first_one_tests(self) -> None:
        protocol = Protocol("a's", (), ())

        assert joined([Dataset("a", (), (protocol,)), Dataset("b", (), ())]).protocols == (
            protocol,
        )

    def test_one_set_stays_as_it_is(self) -> None:
        alone = Dataset("a", (self.tracklet(3, 1),), ())

        assert joined([alone]) == alone

    def test_none_is_an_error(self) -> None:
        with pytest.raises(InvalidParameter):
            joined([])
