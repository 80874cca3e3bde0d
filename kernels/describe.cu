// Frames in device memory to descriptors: sums over the fine grid, then DCT, quality and thumbnails.
//
// The twin of fine_sums.py, grids.py, colour.py, layout.py, quality.py and thumbnails.py, bit for
// bit: sums are integers, and float64 runs in the order of those modules. Compile with -fmad=false.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

#define CELLS 80        // of the fine grid, along each side
#define BLOCKS 8        // that a descriptor describes, along each side
#define FREQUENCIES 6   // of the DCT that are used, along each side
#define COEFFICIENTS 33
#define GROUP_BYTES 16  // that a thread loads at once

// One plane of a frame. Samples of `channels` channels stand side by side for one pixel.
struct Plane {
    const void *data;     // of the first line
    i64 pitch;            // bytes from line to line, a multiple of GROUP_BYTES where it can be
    int left, top;        // of the part that counts, in samples of one channel
    int width, height;
    int channels;         // 1, 2 (chroma of NV12 and P010) or 3
    int first_channel;    // of the descriptor, where the first of them goes
    int bytes;            // per sample, 1 or 2
    int shift;            // bits below the samples: 6 in P010
};

// From means of native samples to RGB, as colour.py has it.
struct Colour {
    double luma_offset, luma_scale, chroma_offset, chroma_scale;
    double red_cr, blue_cb, k_red, k_blue, k_green;
    int space;            // 0: YCbCr, 1: RGB, 2: grey
    int turns;            // quarter turns, counterclockwise, to be shown upright
    int width[3], height[3];  // of the part of each channel, in samples
};

// Constants of layout.py.
struct Tables {
    double dct[BLOCKS][BLOCKS];
    int v[COEFFICIENTS], u[COEFFICIENTS], channel[COEFFICIENTS];
    u8 ac_codes[512], luma_dc_codes[256], chroma_dc_codes[256];
};

// A part of the upright picture, in cells.
struct Window {
    int left, top, width, height;
};

__device__ static int edge(int length, int cells, int number) {
    return (int)(((i64)number * length + cells - 1) / cells);
}

// Adds up `lines` lines of the samples that one load of a line brings.
template <typename Sample>
__device__ static void add_lines(
    const u8 *line, i64 pitch, int lines, int begin, int first, int last, int shift, u32 *sums) {
    const int per = GROUP_BYTES / sizeof(Sample);
    const bool whole = begin >= first && begin + per <= last &&
                       ((u64)line | (u64)pitch) % GROUP_BYTES == 0;
    for (int y = 0; y < lines; y++, line += pitch) {
        const Sample *samples = (const Sample *)line + begin;
        if (whole) {
            union {
                uint4 all;
                Sample each[GROUP_BYTES / sizeof(Sample)];
            } loaded;
            loaded.all = *(const uint4 *)samples;
            for (int i = 0; i < per; i++) sums[i] += loaded.each[i] >> shift;
        } else {
            for (int i = 0; i < per; i++)
                if (begin + i >= first && begin + i < last) sums[i] += samples[i] >> shift;
        }
    }
}

// Adds up one row of cells of one plane of one frame.
// Grid: (CELLS, planes, frames). Every sample is read once.
// fine: (frames, 3, CELLS, CELLS) sums.
extern "C" __global__ void cell_sums(const Plane *planes, u32 *fine) {
    __shared__ u32 cells[3 * CELLS];
    const Plane plane = planes[blockIdx.z * gridDim.y + blockIdx.y];
    const int row = blockIdx.x;
    for (int i = threadIdx.x; i < 3 * CELLS; i += blockDim.x) cells[i] = 0;
    __syncthreads();
    const int y = edge(plane.height, CELLS, row);
    const int lines = edge(plane.height, CELLS, row + 1) - y;
    const u8 *line = (const u8 *)plane.data + (i64)(plane.top + y) * plane.pitch;
    const int first = plane.left * plane.channels;
    const int last = first + plane.width * plane.channels;
    const int per = GROUP_BYTES / plane.bytes;
    for (int group = first / per + threadIdx.x; group * per < last; group += blockDim.x) {
        const int begin = group * per;
        u32 sums[GROUP_BYTES] = {0}, pending[3] = {0};
        if (plane.bytes == 1)
            add_lines<u8>(line, plane.pitch, lines, begin, first, last, plane.shift, sums);
        else
            add_lines<u16>(line, plane.pitch, lines, begin, first, last, plane.shift, sums);
        const int start = begin < first ? 0 : begin - first;
        int pixel = start / plane.channels, channel = start % plane.channels;
        int cell = (int)((i64)pixel * CELLS / plane.width);
        int next = edge(plane.width, CELLS, cell + 1);
        for (int i = begin < first ? first - begin : 0; i < per && begin + i < last; i++) {
            while (pixel >= next) {
                for (int k = 0; k < plane.channels; k++) {
                    if (pending[k]) atomicAdd(&cells[k * CELLS + cell], pending[k]);
                    pending[k] = 0;
                }
                next = edge(plane.width, CELLS, ++cell + 1);
            }
            pending[channel] += sums[i];
            if (++channel == plane.channels) channel = 0, pixel++;
        }
        for (int k = 0; k < plane.channels; k++)
            if (pending[k]) atomicAdd(&cells[k * CELLS + cell], pending[k]);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < plane.channels * CELLS; i += blockDim.x) {
        const int channel = plane.first_channel + i / CELLS;
        fine[((i64)(blockIdx.z * 3 + channel) * CELLS + row) * CELLS + i % CELLS] = cells[i];
    }
}

// Mean of the samples of a block of the upright picture; NaN where it has none.
__device__ static double block_mean(
    const u32 *fine, const Colour *colour, int channel, int top, int left, int high, int wide) {
    const u32 *grid = fine + channel * CELLS * CELLS;
    u64 sum = 0, count = 0;
    for (int r = top; r < top + high; r++)
        for (int c = left; c < left + wide; c++) {
            int row = r, col = c;
            if (colour->turns == 1) row = c, col = CELLS - 1 - r;
            if (colour->turns == 2) row = CELLS - 1 - r, col = CELLS - 1 - c;
            if (colour->turns == 3) row = CELLS - 1 - c, col = r;
            sum += grid[row * CELLS + col];
            const int height = colour->height[channel], width = colour->width[channel];
            count += (u64)(edge(height, CELLS, row + 1) - edge(height, CELLS, row)) *
                     (edge(width, CELLS, col + 1) - edge(width, CELLS, col));
        }
    return (double)sum / (double)count;
}

__device__ static double clipped(double value) {
    if (value < 0.0) return 0.0;
    return value > 255.0 ? 255.0 : value;
}

__device__ static void to_rgb(const Colour *colour, const double *native, double *rgb) {
    const double luma = (native[0] - colour->luma_offset) * colour->luma_scale;
    if (colour->space == 2) {
        rgb[0] = rgb[1] = rgb[2] = clipped(luma);
    } else if (colour->space == 1) {
        for (int i = 0; i < 3; i++)
            rgb[i] = clipped((native[i] - colour->luma_offset) * colour->luma_scale);
    } else {
        const double cb = (native[1] - colour->chroma_offset) * colour->chroma_scale;
        const double cr = (native[2] - colour->chroma_offset) * colour->chroma_scale;
        const double red = luma + colour->red_cr * cr;
        const double blue = luma + colour->blue_cb * cb;
        rgb[0] = clipped(red);
        rgb[1] = clipped((luma - colour->k_red * red - colour->k_blue * blue) / colour->k_green);
        rgb[2] = clipped(blue);
    }
}

__device__ static void block_rgb(
    const u32 *fine, const Colour *colour, int top, int left, int high, int wide, double *rgb) {
    double native[3] = {0.0, 0.0, 0.0};
    for (int channel = 0; channel < (colour->space == 2 ? 1 : 3); channel++)
        native[channel] = block_mean(fine, colour, channel, top, left, high, wide);
    to_rgb(colour, native, rgb);
}

// Y, Cb, Cr as whole numbers; 0 for a block without samples.
__device__ static void studio_values(const double *rgb, double *values) {
    const double red = rgb[0], green = rgb[1], blue = rgb[2];
    const double luma = (0.299 * red + 0.587 * green + 0.114 * blue) / 256.0;
    values[0] = 219.0 * luma + 16.5;
    values[1] = (224.0 * 0.564) * (blue / 256.0 - luma) + 128.5;
    values[2] = (224.0 * 0.713) * (red / 256.0 - luma) + 128.5;
    for (int i = 0; i < 3; i++) values[i] = values[i] == values[i] ? trunc(values[i]) : 0.0;
}

__device__ static u8 code_of(const Tables *tables, int number, i64 coefficient) {
    if (number == 0) return tables->luma_dc_codes[(coefficient >> 3) & 255];
    if (number == 21 || number == 27) return tables->chroma_dc_codes[(coefficient >> 3) & 255];
    i64 value = coefficient >> (tables->channel[number] == 0 ? 1 : 0);
    value = value < -256 ? -256 : value > 255 ? 255 : value;
    return tables->ac_codes[value + 256];
}

// Describes one window of one frame, and the same mirrored.
// Grid: (windows, frames), 64 threads: one for each of the 8x8 blocks.
// numbers: (frames,) of frames in `fine` and `colours`; codes, mirrored: (frames, windows, 33);
// quality: (frames, windows), of what is not mirrored. mirrored and quality may be null.
extern "C" __global__ void describe_windows(
    const u32 *fine, const Colour *colours, const Tables *tables, const Window *windows,
    const int *numbers, u8 *codes, u8 *mirrored, u8 *quality) {
    __shared__ double values[3][BLOCKS][BLOCKS];
    __shared__ double by_row[2][3][BLOCKS][FREQUENCIES];
    __shared__ i64 energy[COEFFICIENTS];
    const int number = numbers[blockIdx.y], thread = threadIdx.x;
    const int row = thread / BLOCKS, col = thread % BLOCKS;
    const Window window = windows[blockIdx.x];
    const int high = window.height / BLOCKS, wide = window.width / BLOCKS;
    double rgb[3], of_block[3];
    block_rgb(fine + (i64)number * 3 * CELLS * CELLS, &colours[number], window.top + row * high,
              window.left + col * wide, high, wide, rgb);
    studio_values(rgb, of_block);
    for (int i = 0; i < 3; i++) values[i][row][col] = of_block[i];
    __syncthreads();
    for (int i = thread; i < 2 * 3 * BLOCKS * FREQUENCIES; i += blockDim.x) {
        const int u = i % FREQUENCIES, y = i / FREQUENCIES % BLOCKS;
        const int channel = i / (FREQUENCIES * BLOCKS) % 3, side = i / (FREQUENCIES * BLOCKS * 3);
        double total = tables->dct[u][0] * values[channel][y][side ? BLOCKS - 1 : 0];
        for (int x = 1; x < BLOCKS; x++)
            total += tables->dct[u][x] * values[channel][y][side ? BLOCKS - 1 - x : x];
        by_row[side][channel][y][u] = total;
    }
    __syncthreads();
    const i64 out = (i64)blockIdx.y * gridDim.x + blockIdx.x;
    for (int i = thread; i < 2 * COEFFICIENTS; i += blockDim.x) {
        const int n = i % COEFFICIENTS, side = i / COEFFICIENTS;
        const int v = tables->v[n], u = tables->u[n], channel = tables->channel[n];
        double total = tables->dct[v][0] * by_row[side][channel][0][u];
        for (int y = 1; y < BLOCKS; y++)
            total += tables->dct[v][y] * by_row[side][channel][y][u];
        const i64 coefficient = (i64)floor(total + 0.499999);
        u8 *target = side ? mirrored : codes;
        if (target) target[out * COEFFICIENTS + n] = code_of(tables, n, coefficient);
        if (!side) energy[n] = v + u ? coefficient * coefficient : 0;
    }
    __syncthreads();
    if (thread == 0 && quality) {
        i64 total = 0;
        for (int n = 0; n < COEFFICIENTS; n++) total += energy[n];
        const double half = rint(sqrt((double)total) / 2.0);
        quality[out] = (u8)(half > 255.0 ? 255.0 : half);
    }
}

// Makes small luma pictures.
// Grid: (any, frames). numbers: (frames,); thumbnails: (frames, rows, cols).
extern "C" __global__ void make_thumbnails(
    const u32 *fine, const Colour *colours, const int *numbers, int rows, int cols,
    u8 *thumbnails) {
    const int number = numbers[blockIdx.y], high = CELLS / rows, wide = CELLS / cols;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < rows * cols;
         i += gridDim.x * blockDim.x) {
        double rgb[3];
        block_rgb(fine + (i64)number * 3 * CELLS * CELLS, &colours[number], i / cols * high,
                  i % cols * wide, high, wide, rgb);
        for (int k = 0; k < 3; k++) rgb[k] = rgb[k] == rgb[k] ? rgb[k] : 0.0;
        const double luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        thumbnails[(i64)blockIdx.y * rows * cols + i] = (u8)rint(luma);
    }
}
