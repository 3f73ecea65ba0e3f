"""From long columns of numbers to the few points that a plot can show: thinning, smoothing, ticks, short numbers.

Pure functions; numpy is imported only when there is something to thin, never before the first paint. What this leaves
out: drawing (``curve.py``) and deciding what is drawn (the screens' view-models).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

LABEL_WIDTH = 6
"""Every label of a y axis has this width, so that a mouse position can be turned into an x value."""


def decimate(
    x: Column, y: Column, columns: int, x_range: tuple[float, float] | None = None
) -> tuple[list[float], list[float]]:
    """At most two points for each of ``columns`` equal parts of the x axis: the lowest and the highest, in order.

    A spike of a single value therefore survives any thinning. A part that holds only NaN gives one NaN point, which
    a plot draws as a gap; infinite values count as NaN.

    Args:
        x: (n,) positions, never falling.
        y: (n,) values.
        columns: parts of the axis, usually the plot's width in cells.
        x_range: the ends of the axis; left out, the first and last x.
    """
    import numpy as np

    n = min(len(x), len(y))
    if n == 0 or columns < 1:
        return [], []
    x, y = x[:n], np.where(np.isfinite(y[:n]), y[:n], np.nan)
    if n <= 2 * columns:
        return x.tolist(), y.tolist()
    low, high = x_range or (float(x[0]), float(x[-1]))
    part = np.clip(((x - low) * (columns / (high - low or 1.0))).astype(np.int64), 0, columns - 1)
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    empty = np.isnan(y)
    lows = _first_at(np.where(empty, np.inf, y), np.minimum, starts, part)
    highs = _first_at(np.where(empty, -np.inf, y), np.maximum, starts, part)
    pairs = np.unique(np.sort(np.stack([lows, highs]), axis=0).T.ravel())
    return x[pairs].tolist(), y[pairs].tolist()


def _first_at(y: Column, extreme: Any, starts: NDArray[np.int64], part: NDArray[np.int64]) -> NDArray[np.int64]:
    """The index of each part's first extreme value."""
    import numpy as np

    best = extreme.reduceat(y, starts)
    hits = np.flatnonzero(y == np.repeat(best, np.diff(starts, append=len(y))))
    _, first = np.unique(part[hits], return_index=True)
    found: NDArray[np.int64] = hits[first]
    return found


def smooth(y: Column, reach: int) -> Column:
    """The mean over ``reach`` values to either side, NaN left out; the first values use what lies before them alone.

    Near the start the window is as long behind as ahead, so that a steep fall is not flattened; at the end it only
    looks back. Where a value is NaN the result is NaN, so that gaps stay gaps.
    """
    import numpy as np

    n = len(y)
    if n == 0 or reach < 1:
        return y
    finite = np.isfinite(y)
    sums = np.concatenate([[0.0], np.cumsum(np.where(finite, y, 0.0))])
    counts = np.concatenate([[0], np.cumsum(finite)])
    i = np.arange(n)
    arm = np.minimum(i, reach)
    first, last = i - arm, np.minimum(i + arm, n - 1) + 1
    total = counts[last] - counts[first]
    mean = (sums[last] - sums[first]) / np.maximum(total, 1)
    return np.where(finite, mean, np.nan)


def reach_for(n: int, level: int) -> int:
    """How far smoothing reaches to each side for ``n`` points at a level: 0 none, 1 light, 2 usual, 3 heavy.

    >>> [reach_for(2000, level) for level in range(4)]
    [0, 10, 25, 75]
    """
    share = (0.0, 0.005, 0.0125, 0.0375)[level]
    return 0 if level == 0 else max(1, min(2000, round(n * share)))


def linear_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round positions between two ends, about ``count`` of them.

    >>> linear_ticks(0, 2000, 5)
    [0.0, 500.0, 1000.0, 1500.0, 2000.0]
    >>> linear_ticks(1.37, 4.31, 4)
    [2.0, 3.0, 4.0]
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or count < 1:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / count
    base = 10.0 ** math.floor(math.log10(rough))
    step = min((m * base for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(math.log(s / rough)))
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def short_number(value: float | None, digits: int = 3) -> str:
    """A number of about ``digits`` figures with an SI suffix; what is missing or not finite reads as words.

    >>> short_number(76234), short_number(1_500_000), short_number(1.4697), short_number(0.00021), short_number(None)
    ('76.2 k', '1.50 M', '1.47', '2.10e-4', '–')
    """
    if value is None:
        return "–"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.01:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    for limit, suffix in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if size >= limit * 0.9995:
            return _figures(value / limit, digits) + suffix
    return _figures(value, digits)


def _figures(value: float, digits: int) -> str:
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 1
    return f"{value:.{max(0, digits - whole)}f}"


def axis_label(value: float) -> str:
    """A y-axis label, always ``LABEL_WIDTH`` cells wide.

    >>> axis_label(4.5), axis_label(76000), axis_label(0.00021)
    ('  4.50', ' 76.0k', '2.1e-4')
    """
    text = short_number(value, 2 if 0 < abs(value) < 0.01 else 3).replace(" ", "")
    return text[:LABEL_WIDTH].rjust(LABEL_WIDTH)


def axis_labels(values: Sequence[float]) -> list[str]:
    """The labels of a y axis: as many decimals as each value needs to be read as it is, one suffix for all.

    >>> axis_labels([1.5, 2.0, 2.5]), axis_labels([0.0, 25000.0, 50000.0])
    (['   1.5', '   2.0', '   2.5'], ['    0k', '   25k', '   50k'])
    >>> axis_labels([1.402, 1.404]), axis_labels([0.0002, 0.0004])
    ([' 1.402', ' 1.404'], ['2.0e-4', '4.0e-4'])
    """
    top = max(map(abs, values), default=0.0)
    size, suffix = next(((n, s) for n, s in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")) if top >= n), (1.0, ""))
    for unit, sign in ((size, suffix), (1.0, "")):
        for decimals in range(LABEL_WIDTH if top >= 0.01 else 0):
            texts = [f"{v / unit:.{decimals}f}{sign}" for v in values]
            exact = all(math.isclose(round(v / unit, decimals), v / unit, rel_tol=1e-6) for v in values)
            if exact and max(map(len, texts)) <= LABEL_WIDTH:
                return [t.rjust(LABEL_WIDTH) for t in texts]
    return [axis_label(v) for v in values]


def position_label(value: float, unit: str) -> str:
    """An x-axis label: steps and tokens as short numbers, seconds as a clock.

    >>> position_label(1500, "step"), position_label(90, "time"), position_label(2_500_000, "tokens")
    ('1.5k', '1:30', '2.5M')
    """
    if unit == "time":
        return clock(value)
    if abs(value) < 1000:
        return f"{value:g}"
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.4g}{suffix}"
    return f"{value:g}"


def clock(seconds: float | None) -> str:
    """Seconds as a person reads them.

    >>> clock(4.2), clock(340), clock(3725), clock(200000), clock(None)
    ('0:04', '5:40', '1:02:05', '2 d 7 h', '–')
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = int(seconds)
    if whole >= 86400:
        return f"{whole // 86400} d {whole % 86400 // 3600} h"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def value_range(columns: Iterable[Sequence[float]], log: bool = False) -> tuple[float, float] | None:
    """The lowest and highest finite value (above zero for a logarithm) over some columns; None without any."""
    low, high = math.inf, -math.inf
    for column in columns:
        for value in column:
            if math.isfinite(value) and (not log or value > 0):
                low, high = min(low, value), max(high, value)
    if low > high:
        return None
    if low == high:
        return (low / 1.1, high * 1.1) if log else (low - (abs(low) * 0.05 or 0.5), high + (abs(high) * 0.05 or 0.5))
    return low, high
