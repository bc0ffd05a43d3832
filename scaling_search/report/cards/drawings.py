"""The small drawings of the cards: values on a line, orders before and after. Marks carry their candidates."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from scaling_search.report.web.svg import (
    Scale,
    around,
    circle,
    drawing,
    element,
    foot,
    line,
    mark,
    polyline,
    text,
)

WIDTH = 300.0
_LEFT, _RIGHT = 10.0, WIDTH - 10
_READABLE = 9.0  # units between two names
_MOST = 60  # lines between two orders
_DOTS = 200  # on a line; of more, every other one and so on


def strip(
    values: Iterable[tuple[str, float]],
    title: str,
    *,
    label: str,
    lines: Mapping[str, float] | None = None,
    band: tuple[float, float] | None = None,
    write: Callable[[float], str] = "{:.3g}".format,
) -> str:
    """A dot a value on a line.

    Args:
        values: candidate and number of each dot.
        title: of the axis.
        label: what is seen, for who does not see it.
        lines: upright lines with a name, where each stands.
        band: what is shaded, from and to.
        write: a number in a dot's title.
    """
    every = sorted(values, key=lambda dot: dot[1])
    dots, marked = every[:: 1 + len(every) // _DOTS], dict(lines or {})
    scale = around([value for _, value in dots] + [*marked.values()] + [*(band or ())], _LEFT, _RIGHT)
    shade = element("rect", x=scale(band[0]), y=26.0, width=scale(band[1]) - scale(band[0]), height=30.0,
                    class_="shade") if band else ""  # fmt: skip
    return drawing(
        92.0,
        shade
        + "".join(line(scale(value), 22, scale(value), 56, class_="edge") for value in marked.values())
        + _above([(scale(value), name) for name, value in marked.items()])
        + foot(scale, 56, title, most=4)
        + "".join(
            mark(name, f"{name}: {write(value)}", circle(scale(value), 41, 9, class_="hit")
                 + circle(scale(value), 41, 4, class_="dot see-through"))
            for name, value in dots
        ),
        width=WIDTH, label=label,
    )  # fmt: skip


def _above(places: Sequence[tuple[float, str]]) -> str:
    """Names over their lines, on two heights where they would touch."""
    written, end = "", -1e9
    for x, name in sorted(places):
        half = 3.2 * len(name)
        middle = min(max(x, half + 2), WIDTH - half - 2)
        y = 18 if middle - half > end + 4 else 7
        end = middle + half if y == 18 else end
        written += text(middle, y, name, text_anchor="middle", class_="tick")
    return written


def orders(before: Mapping[str, float], after: Mapping[str, float], titles: tuple[str, str], *, label: str) -> str:
    """Candidates from best to worst twice, joined by lines: where these cross, the order changed.

    Args:
        before, after: a number of each candidate, the more the better.
        titles: of the two orders.
        label: what is seen, for who does not see it.
    """
    shared = sorted((name for name in before if name in after), key=after.__getitem__, reverse=True)[:_MOST]
    first, second = ({name: place for place, name in enumerate(sorted(shared, key=values.__getitem__, reverse=True))}
                     for values in (before, after))  # fmt: skip
    step = min(13.0, 190 / max(len(shared), 1))
    left, right = 60.0, WIDTH - 60
    drawn = ""
    for name in shared:
        start, end = 30 + step * first[name], 30 + step * second[name]
        drawn += mark(
            name,
            f"{name}: {first[name] + 1} of {len(shared)}, then {second[name] + 1}",
            polyline([(left, start), (right, end)], class_="hit line")
            + polyline([(left, start), (right, end)], class_="stroke")
            + circle(left, start, 2.6, class_="dot inside")
            + circle(right, end, 2.6, class_="dot inside"),
        )
        if step >= _READABLE:
            words = text(left - 8, start + 3.8, name, text_anchor="end", class_="name")
            words += text(right + 8, end + 3.8, name, class_="name")
            drawn += element("g", words, data_c=name, aria_hidden="true")  # the mark is called so already
    return drawing(
        30 + step * len(shared),
        text(left, 14, titles[0], text_anchor="middle", class_="tick")
        + text(right, 14, titles[1], text_anchor="middle", class_="tick")
        + drawn,
        width=WIDTH,
        label=label,
    )


def ranges(rows: Sequence[tuple[str, float, float, float]], title: str, *, label: str) -> str:
    """A bar from low to high with a tick at a value, for each row (name, low, value, high), from 0 to 100.

    Args:
        title: of the axis.
        label: what is seen, for who does not see it.
    """
    scale = Scale(0, 100, 78, WIDTH - 14)
    drawn = ""
    for number, (name, low, value, high) in enumerate(rows):
        y = 14 + 20 * number
        drawn += text(70, y + 3.8, name, text_anchor="end", class_="name")
        drawn += line(scale(0), y, scale(100), y, class_="grid")
        drawn += line(scale(low), y, scale(high), y, class_="bar")
        drawn += circle(scale(value), y, 4.5, class_="dot inside")
    bottom = 8 + 20.0 * len(rows)
    return drawing(bottom + 36, drawn + foot(scale, bottom, title, most=4), width=WIDTH, label=label)


def scatter(points: Iterable[tuple[str, float, float]], titles: tuple[str, str], *, label: str) -> str:
    """A dot a candidate (name, x, y) with the diagonal, on which x = y.

    Args:
        titles: of the horizontal and the upright axis.
        label: what is seen, for who does not see it.
    """
    dots = list(points)
    values = [value for _, *pair in dots for value in pair]
    wide, height = around(values, 46, WIDTH - 14), around(values, 150, 10)
    ends = [(wide(value), height(value)) for value in (wide.low, wide.high)]
    ticks = "".join(
        line(46, height(tick), WIDTH - 14, height(tick), class_="grid")
        + text(41, height(tick) + 3.8, f"{tick:g}", text_anchor="end", class_="tick")
        for tick in height.ticks(4)
    )
    return drawing(
        186.0,
        ticks
        + polyline(ends, class_="edge")
        + foot(wide, 150, titles[0], most=4)
        + text(50, 9, titles[1], class_="title")
        + "".join(
            mark(name, f"{name}: {x:.1f}, foretold {y:.1f}", circle(wide(x), height(y), 9, class_="hit")
                 + circle(wide(x), height(y), 4, class_="dot see-through"))
            for name, x, y in dots
        ),
        width=WIDTH, label=label,
    )  # fmt: skip
