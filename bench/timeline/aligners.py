"""Published ways to find copied segments in one matrix of similarities, query by reference.

They are written anew after their descriptions: Hough voting, temporal network (TN) and dynamic
programming (DP) as VCSL compares them (alipay/VCSL, vcsl/vta.py). Rows and columns are 125 ms
apart. Where VCSL's defaults assume one frame a second they are changed as its authors advise for
denser ones; all values stand in `PARAMETERS`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.jit import jit

Matrix = NDArray[np.float32]  # (n, m) of 0..1, 0: no likeness

PARAMETERS: dict[str, dict[str, Any]] = {
    "hough": {"min_sim": 0.2, "min_votes": 4, "max_peaks": 20, "max_gap": 8},
    "tn": {"top_k": 5, "max_step": 5, "max_path": 20, "min_sim": 0.2, "min_length": 2},
    "dp": {"discontinue": 3, "min_sim": 0.2, "ave_sim": 0.3, "min_length": 2, "max_path": 20},
}


class Box(NamedTuple):
    """Rows query_from..query_to show columns from_..to; both ends belong to it."""

    query_from: int
    query_to: int
    from_: int
    to: int
    score: float


def hough(sims: Matrix) -> list[Box]:
    """Count similarities by diagonal and cut the fullest diagonals at gaps."""
    given = PARAMETERS["hough"]
    rows, columns = np.nonzero(sims >= given["min_sim"])
    if not len(rows):
        return []
    diagonals = columns - rows
    offset = int(diagonals.min())
    votes = np.bincount(diagonals - offset, weights=sims[rows, columns])
    boxes: list[Box] = []
    for peak in np.argsort(-votes)[: given["max_peaks"]]:
        if votes[peak] < given["min_votes"] * given["min_sim"]:
            break
        mine = np.sort(rows[np.abs(diagonals - offset - peak) <= 1])
        for part in np.split(mine, np.flatnonzero(np.diff(mine) > given["max_gap"]) + 1):
            begin, end = int(part[0]), int(part[-1])
            taken = any(b.query_from <= end and begin <= b.query_to for b in boxes)
            if len(np.unique(part)) < given["min_votes"] or taken:
                continue
            low = begin + offset + int(peak)
            high = end + offset + int(peak)
            along = np.arange(begin, end + 1)
            across = (along + offset + peak).clip(0, sims.shape[1] - 1)
            boxes.append(Box(begin, end, max(0, low), high, float(sims[along, across].mean())))
    return boxes


def tn(sims: Matrix) -> list[Box]:
    """Take the longest paths through the best columns of each row, one after another."""
    given = PARAMETERS["tn"]
    top = np.argsort(-sims, axis=1)[:, : given["top_k"]]
    rows = np.repeat(np.arange(len(sims)), top.shape[1])
    columns = top.ravel()
    good = sims[rows, columns] >= given["min_sim"]
    rows, columns = rows[good], columns[good]
    order = np.lexsort((columns, rows))
    rows, columns = rows[order], columns[order]
    boxes: list[Box] = []
    while len(rows) and len(boxes) < given["max_path"]:
        path = _longest_path(rows, columns, sims[rows, columns], given["max_step"])
        if len(path) < given["min_length"]:
            break
        begin, end = int(rows[path[0]]), int(rows[path[-1]])
        score = float(sims[rows[path], columns[path]].mean())
        boxes.append(Box(begin, end, int(columns[path[0]]), int(columns[path[-1]]), score))
        left = (rows < begin) | (rows > end)
        rows, columns = rows[left], columns[left]
    return boxes


@jit
def _longest_path(
    rows: NDArray[np.int64], columns: NDArray[np.int64], gains: Matrix, max_step: int
) -> NDArray[np.int64]:
    n = len(rows)
    best = gains.astype(np.float64)
    before = np.full(n, -1)
    for i in range(n):
        j = i - 1
        while j >= 0 and rows[i] - rows[j] <= max_step:
            step = columns[i] - columns[j]
            grown = best[j] + gains[i]
            if rows[i] > rows[j] and 0 < step <= max_step and grown > best[i]:
                best[i], before[i] = grown, j
            j -= 1
    path = [np.argmax(best)]
    while before[path[-1]] >= 0:
        path.append(before[path[-1]])
    return np.array(path[::-1])


def dp(sims: Matrix) -> list[Box]:
    """Align locally with a limited number of unlike steps, best alignment first."""
    given = PARAMETERS["dp"]
    left = sims.copy()
    boxes: list[Box] = []
    while len(boxes) < given["max_path"]:
        q0, q1, r0, r1, total = _local(left, given["min_sim"], given["discontinue"])
        if q1 - q0 + 1 < given["min_length"]:
            break
        left[q0 : q1 + 1, :] = 0
        mean = total / (q1 - q0 + 1)
        if mean >= given["ave_sim"]:
            boxes.append(Box(q0, q1, r0, r1, mean))
    return boxes


@jit
def _local(sims: Matrix, min_sim: float, discontinue: int) -> tuple[int, int, int, int, float]:
    """Return the ends of the best path and the sum of similarities on it."""
    n, m = sims.shape
    total = np.zeros((n, m))
    gaps = np.zeros((n, m), np.int64)
    first_row = np.zeros((n, m), np.int64)
    first_column = np.zeros((n, m), np.int64)
    best, row, column = 0.0, 0, 0
    for i in range(n):
        for j in range(m):
            value, gap, begin, start = 0.0, 0, i, j
            for di, dj in ((1, 1), (1, 0), (0, 1)):
                if i < di or j < dj or total[i - di, j - dj] <= value:
                    continue
                straight = di == 1 and dj == 1 and sims[i, j] >= min_sim
                unlike = 0 if straight else gaps[i - di, j - dj] + 1
                if unlike <= discontinue:
                    value, gap = total[i - di, j - dj], unlike
                    begin, start = first_row[i - di, j - dj], first_column[i - di, j - dj]
            if sims[i, j] >= min_sim:
                value += sims[i, j]
            total[i, j], gaps[i, j] = value, gap
            first_row[i, j], first_column[i, j] = begin, start
            if gap == 0 and value > best:
                best, row, column = value, i, j
    return first_row[row, column], row, first_column[row, column], column, best
