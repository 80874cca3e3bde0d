// The colour layout descriptor with 21 Y, 6 Cb and 6 Cr coefficients, mean-first form: block means
// of RGB are converted once per block, transformed by an 8x8 DCT, read in zig-zag order and
// quantised. Constants are those of LIRE (ColorLayoutImpl), which follows MPEG-7 Visual. Sums are
// integers and additions run in the order of the server's `kernels/layout.py`, so both give the same
// 33 integers for the same pixels.

/** Version of the descriptor that `sign` makes. */
export const DESCRIPTOR_VERSION = "cld-21-6-6-mean/1";
/** Integers of one descriptor: Y21 Cb6 Cr6. */
export const N_COEFFICIENTS = 33;

const CELLS = 8;
const ZIGZAG_V = [0, 0, 1, 2, 1, 0, 0, 1, 2, 3, 4, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5];
const ZIGZAG_U = [0, 1, 0, 0, 1, 2, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0];
const FREQUENCIES = 6;
const HALF_COSINES = [
  [0.3535534, 0.3535534, 0.3535534, 0.3535534],
  [0.4903926, 0.4157348, 0.2777851, 0.09754516],
  [0.4619398, 0.1913417, -0.1913417, -0.4619398],
  [0.4157348, -0.09754516, -0.4903926, -0.2777851],
  [0.3535534, -0.3535534, -0.3535534, 0.3535534],
  [0.2777851, -0.4903926, 0.09754516, 0.4157348],
];
const COSINES = HALF_COSINES.map((half, frequency) => [
  ...half,
  ...[...half].reverse().map((value) => (frequency % 2 ? -value : value)),
]);

/** A picture as rows of red, green, blue and alpha bytes, as a canvas or `sharp().raw()` gives it. */
export interface Pixels {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}

/**
 * Return the descriptor of a picture, 33 integers; transparent parts count as black.
 *
 * The server also looks at a picture within its flat border; what is sent as a signature is searched
 * as it is.
 */
export function sign(pixels: Pixels): Uint8Array {
  const { data, width, height } = pixels;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`a picture of ${width} x ${height} pixels; at least 1 x 1 is needed`);
  }
  if (data.length !== width * height * 4) {
    throw new RangeError(
      `${data.length} bytes for ${width} x ${height} pixels; ${width * height * 4} are needed`,
    );
  }
  return describe(blockMeans(data, width, height));
}

/** Return the edges that divide `length` samples: cell i is edges[i]..edges[i+1]-1. */
function edges(length: number): number[] {
  return Array.from({ length: CELLS + 1 }, (_, i) => Math.ceil((i * length) / CELLS));
}

/** Return the mean red, green and blue of each of 8x8 blocks; NaN for a block without samples. */
function blockMeans(data: Pixels["data"], width: number, height: number): number[][][] {
  const columns = edges(width);
  const rows = edges(height);
  return Array.from({ length: CELLS }, (_, row) =>
    Array.from({ length: CELLS }, (_, column) => {
      const sums = [0, 0, 0];
      for (let y = rows[row]; y < rows[row + 1]; y++) {
        for (let x = columns[column]; x < columns[column + 1]; x++) {
          const at = (y * width + x) * 4;
          const alpha = data[at + 3];
          for (let c = 0; c < 3; c++) {
            sums[c] += alpha === 255 ? data[at + c] : overBlack(data[at + c], alpha);
          }
        }
      }
      const count = (rows[row + 1] - rows[row]) * (columns[column + 1] - columns[column]);
      return sums.map((sum) => (count ? sum / count : Number.NaN));
    }),
  );
}

/** Return a sample over black, rounded as Pillow does it. */
function overBlack(sample: number, alpha: number): number {
  const product = sample * alpha + 128;
  return ((product >> 8) + product) >> 8;
}

/** Return the descriptor of block means in 0..255. */
function describe(means: number[][][]): Uint8Array {
  const channels = studioValues(means).map(transform);
  const positions = [21, 6, 6];
  const codes: number[] = [];
  channels.forEach((spectrum, channel) => {
    for (let i = 0; i < positions[channel]; i++) {
      const value = Math.floor(spectrum[ZIGZAG_V[i]][ZIGZAG_U[i]] + 0.499999);
      if (i > 0) {
        codes.push(acCode(Math.max(-256, Math.min(255, channel ? value : value >> 1))));
      } else {
        codes.push(channel ? chromaDcCode(value >> 3) : lumaDcCode(value >> 3));
      }
    }
  });
  return Uint8Array.from(codes);
}

/** Return Y, Cb and Cr of each block as whole numbers; 0 for an empty block. */
function studioValues(means: number[][][]): number[][][] {
  const whole = (value: number) => (Number.isNaN(value) ? 0 : Math.trunc(value));
  const luma = (rgb: number[]) => (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 256.0;
  const each = (value: (rgb: number[]) => number) =>
    means.map((row) => row.map((rgb) => whole(value(rgb))));
  return [
    each((rgb) => 219.0 * luma(rgb) + 16.5),
    each((rgb) => 224.0 * 0.564 * (rgb[2] / 256.0 - luma(rgb)) + 128.5),
    each((rgb) => 224.0 * 0.713 * (rgb[0] / 256.0 - luma(rgb)) + 128.5),
  ];
}

/** Return the lowest frequencies of the DCT, [vertical][horizontal]: rows first, then columns. */
function transform(blocks: number[][]): number[][] {
  const byRow = blocks.map((row) =>
    Array.from({ length: FREQUENCIES }, (_, u) => dot(COSINES[u], row)),
  );
  return Array.from({ length: FREQUENCIES }, (_, v) =>
    Array.from({ length: FREQUENCIES }, (_, u) =>
      dot(
        COSINES[v],
        byRow.map((row) => row[u]),
      ),
    ),
  );
}

function dot(cosines: number[], samples: number[]): number {
  let sum = cosines[0] * samples[0];
  for (let i = 1; i < CELLS; i++) sum += cosines[i] * samples[i];
  return sum;
}

function acCode(value: number): number {
  let size = Math.abs(value);
  if (size > 127) size = 64 + (size >> 2);
  else if (size > 63) size = 32 + (size >> 1);
  return ((value > 0 ? size : -size) + 128) >> 3;
}

function lumaDcCode(mean: number): number {
  if (mean > 192) return (112 + ((mean - 192) >> 2)) >> 1;
  if (mean > 160) return (96 + ((mean - 160) >> 1)) >> 1;
  if (mean > 96) return (mean - 64) >> 1;
  if (mean > 64) return (16 + ((mean - 64) >> 1)) >> 1;
  return mean >> 3;
}

function chromaDcCode(mean: number): number {
  if (mean > 191) return 63;
  if (mean > 160) return 56 + ((mean - 160) >> 2);
  if (mean > 144) return 48 + ((mean - 144) >> 1);
  if (mean > 112) return mean - 96;
  if (mean > 96) return 8 + ((mean - 96) >> 1);
  return Math.max(mean - 64, 0) >> 2;
}
