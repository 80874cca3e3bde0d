// Exact search on a GPU; server/index_gpu.py tells what the steps are and launches them.
//
// Rows lie in the tiles of kernels/tiles.py, but with signed bytes, so that dp4a gives the dot
// product of four coordinates: distance = norm - 2 dot + norm of the query.

#ifdef __CUDACC__
#define DOT4(a, b, sum) __dp4a(a, b, sum)
#elif !defined(DOT4)
#define DOT4(a, b, sum) plain_dot4(a, b, sum)
static inline int plain_dot4(int a, int b, int sum) {
    for (int i = 0; i < 32; i += 8) sum += (int)(signed char)(a >> i) * (int)(signed char)(b >> i);
    return sum;
}
#endif

#define DEVICE static __device__ __forceinline__

typedef long long i64;
typedef unsigned long long u64;

#define TILE_ROWS 16
#define TILE_WORDS 8
#define TILE_INTS 144  // nine words of 16 rows
#define CHUNK_TILES 65536
#define DEAD_NORM (1 << 30)
#define NO_KEY 0xffffffffffffffffull
#define MOST_QUERIES 256  // in one launch
#define THREADS 256
#define RUNS_PER_THREAD 16  // of which a block keeps the nearest for each query
#define MAX_RUN_ROWS 64
#define SLACK 0.01f  // above every rounding error of bounds

// Address of the first word of a row; the others are TILE_ROWS apart, the norm is the ninth.
DEVICE int *row_words(const u64 *chunks, i64 row) {
    i64 tile = row / TILE_ROWS;
    int *chunk = (int *)chunks[tile / CHUNK_TILES];
    return chunk + tile % CHUNK_TILES * TILE_INTS + row % TILE_ROWS;
}

DEVICE int squared(const int *row, int norm, const int *query, int query_norm) {
    int dot = 0;
    for (int i = 0; i < TILE_WORDS; i++) dot = DOT4(row[i], query[i], dot);
    return norm - 2 * dot + query_norm;
}

DEVICE void load_row(const u64 *chunks, i64 row, int *words, int *norm) {
    const int *from = row_words(chunks, row);
    for (int i = 0; i < TILE_WORDS; i++) words[i] = from[i * TILE_ROWS];
    *norm = from[TILE_WORDS * TILE_ROWS];
}

DEVICE void put_row(const u64 *chunks, i64 first, i64 i, const int *rows) {
    int *to = row_words(chunks, first + i), norm = 0;
    for (int w = 0; w < TILE_WORDS; w++) {
        int word = rows[i * TILE_WORDS + w];
        to[w * TILE_ROWS] = word;
        norm = DOT4(word, word, norm);
    }
    to[TILE_WORDS * TILE_ROWS] = norm;
}

DEVICE void kill_row(const u64 *chunks, i64 row, unsigned *n_killed) {
    int *norm = row_words(chunks, row) + TILE_WORDS * TILE_ROWS;
    if (*norm != DEAD_NORM) atomicAdd(n_killed, 1u);
    *norm = DEAD_NORM;
}

DEVICE void take_row(const u64 *chunks, i64 row, int *out) {
    const int *from = row_words(chunks, row);
    for (int w = 0; w < TILE_WORDS; w++) out[w] = from[w * TILE_ROWS];
}

// Lower each query's best (squared distance, run) by one run; dead runs are left out.
DEVICE void nearest_centre(
    const u64 *chunks, i64 run, const int *words, const int *norms, int n_queries, u64 *best) {
    int row[TILE_WORDS], norm;
    load_row(chunks, run, row, &norm);
    if (norm == DEAD_NORM) return;
    for (int q = 0; q < n_queries; q++) {
        u64 distance = (unsigned)squared(row, norm, words + q * TILE_WORDS, norms[q]);
        u64 key = distance << 40 | (u64)run;
        if (key < best[q]) atomicMin(best + q, key);
    }
}

// Append a run to the list of every query to which its centre is nearer than reach and radius.
DEVICE void gather_run(
    const u64 *chunks, const unsigned short *radii, i64 run, const int *words, const int *norms,
    const float *reaches, int n_queries, unsigned room, unsigned *counts, i64 *runs) {
    int row[TILE_WORDS], norm;
    load_row(chunks, run, row, &norm);
    if (norm == DEAD_NORM) return;
    float radius = radii[run] * (1.0f / 16) + SLACK;
    for (int q = 0; q < n_queries; q++) {
        float far = reaches[q] + radius;
        if ((float)squared(row, norm, words + q * TILE_WORDS, norms[q]) <= far * far) {
            unsigned at = atomicAdd(counts + q, 1u);
            if (at < room) runs[(i64)q * room + at] = run;
        }
    }
}

// Append a row to the list of a query if it is alive and no farther than the limit.
DEVICE void open_row(
    const u64 *chunks, i64 row, const int *query, int query_norm, int limit, unsigned room,
    unsigned *count, u64 *found) {
    int words[TILE_WORDS], norm;
    load_row(chunks, row, words, &norm);
    if (norm == DEAD_NORM) return;
    int distance = squared(words, norm, query, query_norm);
    if (distance > limit) return;
    unsigned at = atomicAdd(count, 1u);
    if (at < room) found[at] = (u64)distance << 40 | (u64)row;
}

#define FOR_EACH(i, n) \
    for (i64 i = blockIdx.x * (i64)blockDim.x + threadIdx.x; i < (n); i += (i64)gridDim.x * blockDim.x)

extern "C" __global__ void put_rows(const u64 *chunks, i64 first, i64 n, const int *rows) {
    FOR_EACH(i, n) put_row(chunks, first, i, rows);
}

// Write n radii from run `first` on, and n + 1 first rows.
extern "C" __global__ void put_runs(
    unsigned short *radii, i64 *starts, i64 first, i64 n, const unsigned short *new_radii,
    const i64 *new_starts) {
    FOR_EACH(i, n + 1) {
        starts[first + i] = new_starts[i];
        if (i < n) radii[first + i] = new_radii[i];
    }
}

extern "C" __global__ void kill_rows(const u64 *chunks, i64 first, i64 n, unsigned *n_killed) {
    FOR_EACH(i, n) kill_row(chunks, first + i, n_killed);
}

extern "C" __global__ void take_rows(const u64 *chunks, const i64 *rows, i64 n, int *out) {
    FOR_EACH(i, n) take_row(chunks, rows[i], out + i * TILE_WORDS);
}

// Write to nearest, (blocks, n_queries), the best (squared distance, run) of each block of runs.
extern "C" __global__ void nearest_centres(
    const u64 *chunks, i64 first, i64 stop, const int *words, const int *norms, int n_queries,
    u64 *nearest) {
    const i64 per_block = THREADS * RUNS_PER_THREAD;
    __shared__ int its_words[MOST_QUERIES * TILE_WORDS];
    __shared__ int its_norms[MOST_QUERIES];
    __shared__ u64 best[MOST_QUERIES];
    for (int i = threadIdx.x; i < n_queries * TILE_WORDS; i += blockDim.x) its_words[i] = words[i];
    for (int i = threadIdx.x; i < n_queries; i += blockDim.x) {
        its_norms[i] = norms[i];
        best[i] = NO_KEY;
    }
    __syncthreads();
    for (int i = 0; i < RUNS_PER_THREAD; i++) {
        i64 run = first + blockIdx.x * per_block + i * THREADS + threadIdx.x;
        if (run < stop) nearest_centre(chunks, run, its_words, its_norms, n_queries, best);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < n_queries; i += blockDim.x)
        nearest[(i64)blockIdx.x * n_queries + i] = best[i];
}

// Gather runs first..stop - 1; counts beyond room tell how much room is needed.
extern "C" __global__ void gather_runs(
    const u64 *chunks, const unsigned short *radii, i64 first, i64 stop, const int *words,
    const int *norms, const float *reaches, int n_queries, unsigned room, unsigned *counts,
    i64 *runs) {
    __shared__ int its_words[MOST_QUERIES * TILE_WORDS];
    __shared__ int its_norms[MOST_QUERIES];
    __shared__ float its_reaches[MOST_QUERIES];
    for (int i = threadIdx.x; i < n_queries * TILE_WORDS; i += blockDim.x) its_words[i] = words[i];
    for (int i = threadIdx.x; i < n_queries; i += blockDim.x) {
        its_norms[i] = norms[i];
        its_reaches[i] = reaches[i];
    }
    __syncthreads();
    FOR_EACH(i, stop - first)
        gather_run(chunks, radii, first + i, its_words, its_norms, its_reaches, n_queries, room,
                   counts, runs);
}

// Open the gathered runs, at most `most_runs` of a query: i % MAX_RUN_ROWS is a row of a run, and
// i / MAX_RUN_ROWS which run. Rows outside first..stop - 1 are left out; counts beyond room tell how
// much room is needed.
extern "C" __global__ void open_runs(
    const u64 *chunks, const i64 *starts, i64 first, i64 stop, const int *words, const int *norms,
    const int *limits, int n_queries, unsigned runs_room, unsigned most_runs,
    const unsigned *run_counts, const i64 *runs, unsigned room, unsigned *counts, u64 *found) {
    FOR_EACH(i, (i64)n_queries * most_runs * MAX_RUN_ROWS) {
        i64 place = i / MAX_RUN_ROWS, q = place / most_runs;
        if (place % most_runs >= run_counts[q]) continue;
        i64 run = runs[q * runs_room + place % most_runs];
        i64 row = starts[run] + i % MAX_RUN_ROWS;
        if (first <= row && row < stop && row < starts[run + 1])
            open_row(chunks, row, words + q * TILE_WORDS, norms[q], limits[q], room, counts + q,
                     found + q * room);
    }
}
