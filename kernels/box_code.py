"""The inner loop over boxes, written as vector instructions.

A tile of boxes is 16 of them in 16 words of 4 bytes each, the first words of all boxes first:

    words 0..7   the least of coordinates 0..3, 4..7, ... as bytes of stored rows (see `tiles`)
    words 8..15  the largest

By how much a query leaves a box in each coordinate, squared and added up, is a distance that no row
in the box falls below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mitate.kernels.jit import emit
from mitate.kernels.tile_code import (
    TILE_ROWS,
    TILE_WORDS,
    add_dots,
    constant,
    i32s,
    ir_types,
    query_words,
    splat,
)

BOX_WORDS = 2 * TILE_WORDS
BOX_TILE_BYTES = 4 * BOX_WORDS * TILE_ROWS
_MOST_EXCESS = 127  # over a side of a box that is told from more, so that it fits a signed byte
_LIRE_SLACK = 0.01  # above every rounding error of three roots

# Of each coordinate, the weight of its squared difference, for each root that is added up.
Channels = tuple[tuple[int, ...], ...]
WHOLE = (1,) * 32
LIRE_CHANNELS = (
    (2,) * 3 + (1,) * 18 + (0,) * 11,
    (0,) * 21 + (2,) + (1,) * 5 + (0,) * 5,
    (0,) * 27 + (1, 2, 2, 1, 1),  # the first of these is stored doubled
)


@emit("int64(uintp, int64, int64, int64, uintp, int32, int32, uintp, uintp)")
def keep_nearest(
    b: Any,
    boxes: Any,
    first: Any,
    stop: Any,
    step: Any,
    query: Any,
    lire: Any,
    lanes: Any,
    bounds: Any,
    tiles: Any,
) -> Any:
    """Keep, for each of the 16 places in a tile, the nearest box of every `step`-th tile.

    `query` points to its 32 bytes as stored, `bounds` to 16 float32, the least so far, and `tiles`
    to the numbers of their tiles, int32; the lower half of `lanes` has a bit for each place that is
    looked at. Returns 0.
    """
    ir = ir_types()
    i64, f32s = ir.IntType(64), ir.VectorType(ir.FloatType(), TILE_ROWS)
    bounds = b.inttoptr(bounds, f32s.as_pointer())
    tiles = b.inttoptr(tiles, i32s().as_pointer())
    wanted = b.bitcast(b.trunc(lanes, ir.IntType(TILE_ROWS)), _lanes())

    def write(channels: Channels) -> Any:
        least = _bounds_of(b, boxes, query, channels)
        entry = b.block
        head, body, done = (b.append_basic_block(name) for name in ("head", "body", "done"))
        before, its_tiles = b.load(bounds, align=4), b.load(tiles, align=4)
        b.branch(head)
        b.position_at_end(head)
        tile, nearest, numbers = b.phi(i64), b.phi(f32s), b.phi(i32s())
        for phi, value in ((tile, first), (nearest, before), (numbers, its_tiles)):
            phi.add_incoming(value, entry)
        b.cbranch(b.icmp_signed("<", tile, stop), body, done)
        b.position_at_end(body)
        found = least(tile)
        nearer = b.and_(b.fcmp_ordered("<", found, nearest), wanted)
        number = splat(b, b.trunc(tile, ir.IntType(32)))
        tile.add_incoming(b.add(tile, step), body)
        nearest.add_incoming(b.select(nearer, found, nearest), body)
        numbers.add_incoming(b.select(nearer, number, numbers), body)
        b.branch(head)
        b.position_at_end(done)
        b.store(nearest, bounds, align=4)
        b.store(numbers, tiles, align=4)
        return i64(0)

    return _by_metric(b, lire, write)


@emit("int64(uintp, int64, uintp, int32, float32, uintp)")
def boxes_within(b: Any, boxes: Any, tile: Any, query: Any, lire: Any, limit: Any, out: Any) -> Any:
    """Return a bit for each box of a tile that has a point within `limit` of a query.

    Writes to `out`, float32, what no row in each of 16 boxes falls below.
    """
    ir = ir_types()
    limits, f32s = splat(b, limit), ir.VectorType(ir.FloatType(), TILE_ROWS)

    def write(channels: Channels) -> Any:
        found = _bounds_of(b, boxes, query, channels)(tile)
        b.store(found, b.inttoptr(out, f32s.as_pointer()), align=4)
        return b.zext(_bits(b, b.fcmp_ordered("<=", found, limits)), ir.IntType(64))

    return _by_metric(b, lire, write)


@emit("int64(uintp, int64, int64, uintp, int32, float32, uintp)")
def next_boxes_within(
    b: Any, boxes: Any, first: Any, chosen: Any, query: Any, lire: Any, limit: Any, out: Any
) -> Any:
    """Find the next of chosen tiles, `first` and 15 behind it, with a box within `limit`.

    `chosen` has a bit for each. Returns the bits of those behind the one found times 2^32, plus the
    place of that one times 65,536, plus what `boxes_within` returns of it; 0 where there is none.
    """
    ir = ir_types()
    i64, f32s = ir.IntType(64), ir.VectorType(ir.FloatType(), TILE_ROWS)
    limits = splat(b, limit)

    def write(channels: Channels) -> Any:
        bounds = _bounds_of(b, boxes, query, channels)
        entry = b.block
        names = ("head", "body", "hit", "done")
        head, body, hit, done = (b.append_basic_block(name) for name in names)
        b.branch(head)
        b.position_at_end(head)
        left = b.phi(i64)
        left.add_incoming(chosen, entry)
        b.cbranch(b.icmp_unsigned("!=", left, i64(0)), body, done)
        b.position_at_end(body)
        place = b.cttz(left, ir.IntType(1)(1))
        rest = b.and_(left, b.sub(left, i64(1)))
        found = bounds(b.add(first, place))
        bits = _bits(b, b.fcmp_ordered("<=", found, limits))
        left.add_incoming(rest, body)
        b.cbranch(b.icmp_unsigned("!=", bits, bits.type(0)), hit, head)
        b.position_at_end(hit)
        b.store(found, b.inttoptr(out, f32s.as_pointer()), align=4)
        packed = b.or_(b.shl(rest, i64(32)), b.shl(place, i64(16)))
        packed = b.or_(packed, b.zext(bits, i64))
        b.branch(done)
        b.position_at_end(done)
        result = b.phi(i64)
        result.add_incoming(i64(0), head)
        result.add_incoming(packed, hit)
        return result

    return _by_metric(b, lire, write)


def _by_metric(b: Any, lire: Any, write: Callable[[Channels], Any]) -> Any:
    """Write code for both metrics and a branch to one of them; return the result of either."""
    with b.if_else(b.icmp_signed("!=", lire, lire.type(0))) as (then, otherwise):
        with then:
            one, its_end = write(LIRE_CHANNELS), b.block
        with otherwise:
            other, other_end = write((WHOLE,)), b.block
    result = b.phi(one.type)
    result.add_incoming(one, its_end)
    result.add_incoming(other, other_end)
    return result


def _bounds_of(b: Any, boxes: Any, query: Any, channels: Channels) -> Callable[[Any], Any]:
    """Load a query; return what writes code for the bounds of a tile."""
    ir = ir_types()
    i64, f32s = ir.IntType(64), ir.VectorType(ir.FloatType(), TILE_ROWS)
    words, vectors = query_words(b, query), b.inttoptr(boxes, i32s().as_pointer())

    def bounds(tile: Any) -> Any:
        place = b.gep(vectors, [b.mul(tile, i64(BOX_WORDS))])
        ends = [b.load(b.gep(place, [i64(i)]), align=4) for i in range(BOX_WORDS)]
        pairs = zip(ends[:TILE_WORDS], ends[TILE_WORDS:], words, strict=True)
        excesses = [_excess(b, *pair) for pair in pairs]
        sums = [b.sitofp(_squares(b, excesses, weights), f32s) for weights in channels]
        if len(sums) == 1:
            return sums[0]
        kind = ir.FunctionType(f32s, [f32s])
        root = b.module.declare_intrinsic("llvm.sqrt.v16f32", (), kind)
        least = ir.Constant(f32s, [-_LIRE_SLACK] * TILE_ROWS)
        for one in sums:
            least = b.fadd(least, b.call(root, [one]))
        return least

    return bounds


def _bits(b: Any, mask: Any) -> Any:
    return b.bitcast(mask, ir_types().IntType(TILE_ROWS))


def _lanes() -> Any:
    return ir_types().VectorType(ir_types().IntType(1), TILE_ROWS)


def _excess(b: Any, lowest: Any, highest: Any, word: Any) -> Any:
    """Return by how much each byte of a query leaves its range, at most `_MOST_EXCESS`."""
    ir = ir_types()
    u8s = _bytes()
    kind = ir.FunctionType(u8s, [u8s, u8s])
    less = b.module.declare_intrinsic("llvm.usub.sat.v64i8", (), kind)
    least = b.module.declare_intrinsic("llvm.umin.v64i8", (), kind)
    lowest, highest, word = (b.bitcast(one, u8s) for one in (lowest, highest, word))
    outside = b.or_(b.call(less, [lowest, word]), b.call(less, [word, highest]))
    return b.call(least, [outside, ir.Constant(u8s, [_MOST_EXCESS] * (4 * TILE_ROWS))])


def _squares(b: Any, excesses: list[Any], weights: tuple[int, ...]) -> Any:
    """Return for each of 16 boxes the sum of weighted squares."""
    sums = constant(0)
    for i, excess in enumerate(excesses):
        its_weights = weights[4 * i : 4 * i + 4]
        factor = _where(b, excess, [w > 0 for w in its_weights])
        if 2 in its_weights:
            factor = b.add(factor, _where(b, excess, [w == 2 for w in its_weights]))
        if any(its_weights):
            sums = add_dots(b, sums, b.bitcast(excess, i32s()), b.bitcast(factor, i32s()))
    return sums


def _where(b: Any, vector: Any, chosen: list[bool]) -> Any:
    mask = [255 if one else 0 for one in chosen] * TILE_ROWS
    return b.and_(vector, ir_types().Constant(_bytes(), mask))


def _bytes() -> Any:
    return ir_types().VectorType(ir_types().IntType(8), 4 * TILE_ROWS)
