"""MATLAB files: scipy reads the old format, h5py version 7.3 (which is HDF5)."""

from pathlib import Path

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from model.datasets.files import require
from model.errors import InvalidParameter


def read_integers(layout: str, path: Path, name: str) -> NDArray[np.int64]:
    """The matrix `name` of a .mat file as int64 in MATLAB's orientation.

    Such files hold the smallest type that fits (query lists are uint16), in which index arithmetic
    would wrap around. Raises `InvalidParameter` where file or variable is missing or unreadable.
    """
    require(layout, path)
    try:
        matrix = _read_hdf5(path, name) if h5py.is_hdf5(path) else _read_classic(path, name)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidParameter(f"{layout}: {path} is not a readable MATLAB file") from error
    except KeyError as error:
        raise InvalidParameter(f"{layout}: {path} holds no variable {name!r}") from error
    return np.atleast_2d(matrix).astype(np.int64)


def _read_classic(path: Path, name: str) -> NDArray[np.generic]:
    matrix: NDArray[np.generic] = scipy.io.loadmat(path)[name]
    return matrix


def _read_hdf5(path: Path, name: str) -> NDArray[np.generic]:
    # HDF5 is row-major and MATLAB column-major: the file holds the transpose.
    with h5py.File(path, "r") as file:
        matrix: NDArray[np.generic] = file[name][()]
    return matrix.T
