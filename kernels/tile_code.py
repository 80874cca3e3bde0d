"""The inner loops of exact search, written as vector instructions.

A tile is 16 rows of 32 bytes, laid out so that one vector register holds four coordinates of each
row (see `tiles`). The dot products of a tile with a query take eight instructions on processors
with AVX-512 VNNI or AVX-VNNI; others get the same integers from pairs of 16-bit products (AVX2) or
from plain 32-bit arithmetic that LLVM fits to any processor. The choice is made when the code is
compiled, at first use.

A row's score is `norm - (dot << shift)`; distance = (score >> (shift - 1)) + the query's offset.
"""

from __future__ import annotations

import functools
from typing import Any

from mitate.kernels.jit import emit, processor_features

TILE_ROWS = 16
TILE_WORDS = 8  # of four coordinates each; the ninth word of a row is its norm
_STRIDE = TILE_WORDS + 1


@functools.cache
def instructions() -> str:
    """Return how dot products are computed on this processor."""
    features = processor_features()
    if "avx512vnni" in features and "avx512bw" in features:
        return "avx512vnni"
    if "avxvnni" in features or {"avx512vnni", "avx512vl"} <= features:
        return "avxvnni"
    return "avx2" if "avx2" in features else "generic"


@emit("int64(uintp, int64, int64, uintp, int32, int32, uintp)")
def next_within(
    b: Any, tiles: Any, first: Any, stop: Any, query: Any, limit: Any, shift: Any, out: Any
) -> Any:
    """Find the first tile of first..stop - 1 with a score of at most `limit`.

    Return its number times 65,536 plus a bit for each such row, and write the 16 scores to `out`,
    int32; return `stop` times 65,536 where there is none.
    """
    shifts, limits = splat(b, shift), splat(b, limit)
    words = query_words(b, query)

    def hits(tile: Any) -> tuple[Any, Any]:
        scores = _scores(b, tiles, tile, words, shifts)
        return scores, b.icmp_signed("<=", scores, limits)

    return first_hit(b, first, stop, hits, out)


@emit("int64(int64)")
def lowest_bit(b: Any, bits: Any) -> Any:
    """Return the place of the lowest bit that is set; undefined for 0."""
    return b.cttz(bits, ir_types().IntType(1)(1))


@emit("uint8(uintp)")
def load_byte(b: Any, address: Any) -> Any:
    """Return the byte at an address."""
    return b.load(b.inttoptr(address, ir_types().IntType(8).as_pointer()))


@emit("int64(uintp)")
def prefetch(b: Any, address: Any) -> Any:
    """Have the cache line at an address fetched; return 0."""
    ir = ir_types()
    pointer = ir.IntType(8).as_pointer()
    i32 = ir.IntType(32)
    call = b.module.declare_intrinsic(
        "llvm.prefetch", (pointer,), ir.FunctionType(ir.VoidType(), [pointer, i32, i32, i32])
    )
    b.call(call, [b.inttoptr(address, pointer), i32(0), i32(3), i32(1)])
    return ir.IntType(64)(0)


def ir_types() -> Any:
    """Return the module of llvmlite that builds instructions."""
    from llvmlite import ir

    return ir


def i32s() -> Any:
    """Return the type of a vector with one int32 for each row of a tile."""
    return ir_types().VectorType(ir_types().IntType(32), TILE_ROWS)


def constant(value: int) -> Any:
    """Return such a vector with `value` in every place."""
    return ir_types().Constant(i32s(), [value] * TILE_ROWS)


def splat(b: Any, value: Any) -> Any:
    """Return a vector with `value` in every place."""
    ir = ir_types()
    vector = ir.VectorType(value.type, TILE_ROWS)
    one = b.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    return b.shuffle_vector(one, ir.Constant(vector, ir.Undefined), constant(0))


def query_words(b: Any, query: Any) -> list[Any]:
    """Return for each word of the query at an address a vector full of it."""
    ir = ir_types()
    words = b.inttoptr(query, ir.IntType(32).as_pointer())
    places = [b.gep(words, [ir.IntType(64)(i)]) for i in range(TILE_WORDS)]
    return [splat(b, b.load(place, align=4)) for place in places]


def _scores(b: Any, tiles: Any, tile: Any, words: list[Any], shifts: Any) -> Any:
    """Return norm - (dot << shift) of the 16 rows of a tile."""
    i64 = ir_types().IntType(64)
    vectors = b.inttoptr(tiles, i32s().as_pointer())
    place = b.gep(vectors, [b.mul(tile, i64(_STRIDE))])
    loads = [b.load(b.gep(place, [i64(i)]), align=4) for i in range(_STRIDE)]
    dots = constant(0)
    for rows, word in zip(loads[:-1], words, strict=True):
        dots = add_dots(b, dots, rows, word)
    return b.sub(loads[-1], b.shl(dots, shifts))


def add_dots(b: Any, dots: Any, rows: Any, word: Any) -> Any:
    """Add to each of `dots` the products of four unsigned bytes with four signed ones."""
    kind = instructions()
    if kind == "avx512vnni":
        return _vnni(b, dots, rows, word, 512)
    if kind == "generic":
        return _plain_dots(b, dots, rows, word)
    halves = [
        [_half(b, vector, side) for vector in (dots, rows, word)] for side in (0, TILE_ROWS // 2)
    ]
    one = functools.partial(_vnni, bits=256) if kind == "avxvnni" else _pair_products
    low, high = (one(b, *half) for half in halves)
    return b.shuffle_vector(low, high, _places(range(TILE_ROWS)))


def _vnni(b: Any, dots: Any, rows: Any, word: Any, bits: int) -> Any:
    from llvmlite.binding import llvm_version_info

    ir = ir_types()
    sums = ir.VectorType(ir.IntType(32), bits // 32)
    # From LLVM 22 on the instruction takes vectors of bytes.
    parts = ir.VectorType(ir.IntType(8), bits // 8) if llvm_version_info[0] >= 22 else sums
    kind = ir.FunctionType(sums, [sums, parts, parts])
    call = b.module.declare_intrinsic(f"llvm.x86.avx512.vpdpbusd.{bits}", (), kind)
    return b.call(call, [dots, b.bitcast(rows, parts), b.bitcast(word, parts)])


def _pair_products(b: Any, dots: Any, rows: Any, word: Any) -> Any:
    """The same with AVX2: even and odd bytes as 16-bit numbers, multiplied and added in pairs."""
    ir = ir_types()
    i16s, i32s = ir.VectorType(ir.IntType(16), 16), ir.VectorType(ir.IntType(32), 8)
    call = b.module.declare_intrinsic(
        "llvm.x86.avx2.pmadd.wd", (), ir.FunctionType(i32s, [i16s, i16s])
    )
    rows, word = b.bitcast(rows, i16s), b.bitcast(word, i16s)
    eight, low = ir.Constant(i16s, [8] * 16), ir.Constant(i16s, [255] * 16)
    even = b.call(call, [b.and_(rows, low), b.ashr(b.shl(word, eight), eight)])
    odd = b.call(call, [b.lshr(rows, eight), b.ashr(word, eight)])
    return b.add(dots, b.add(even, odd))


def _plain_dots(b: Any, dots: Any, rows: Any, word: Any) -> Any:
    for byte in range(4):
        shift = constant(24 - 8 * byte)
        unsigned = b.lshr(b.shl(rows, shift), constant(24))
        signed = b.ashr(b.shl(word, shift), constant(24))
        dots = b.add(dots, b.mul(unsigned, signed))
    return dots


def _half(b: Any, vector: Any, first: int) -> Any:
    return b.shuffle_vector(vector, vector, _places(range(first, first + TILE_ROWS // 2)))


def _places(places: range) -> Any:
    ir = ir_types()
    return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))


def first_hit(b: Any, first: Any, stop: Any, hits: Any, out: Any) -> Any:
    """Write the loop over first..stop - 1 that ends where `hits` writes scores with a true lane."""
    ir = ir_types()
    i64, lanes = ir.IntType(64), ir.IntType(TILE_ROWS)
    entry = b.block
    names = ("head", "body", "go", "found", "done")
    head, body, go, found, done = (b.append_basic_block(name) for name in names)
    b.branch(head)
    b.position_at_end(head)
    tile = b.phi(i64)
    tile.add_incoming(first, entry)
    b.cbranch(b.icmp_signed("<", tile, stop), body, done)
    b.position_at_end(body)
    scores, mask = hits(tile)
    bits = b.bitcast(mask, lanes)
    b.cbranch(b.icmp_unsigned("!=", bits, lanes(0)), found, go)
    b.position_at_end(go)
    tile.add_incoming(b.add(tile, i64(1)), go)
    b.branch(head)
    b.position_at_end(found)
    b.store(scores, b.inttoptr(out, scores.type.as_pointer()), align=4)
    hit_bits = b.zext(bits, i64)
    b.branch(done)
    b.position_at_end(done)
    mask_bits = b.phi(i64)
    mask_bits.add_incoming(i64(0), head)
    mask_bits.add_incoming(hit_bits, found)
    return b.or_(b.shl(tile, i64(TILE_ROWS)), mask_bits)
