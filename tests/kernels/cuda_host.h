// Runs CUDA kernels on the CPU: blocks one after another, their threads as fibers that take turns at
// barriers. Include it before the kernel's source.
#include <math.h>
#include <stdint.h>
#include <ucontext.h>

#include <tuple>
#include <utility>
#include <vector>

struct uint4 {
    unsigned int x, y, z, w;
} __attribute__((aligned(16)));
struct dim3 {
    unsigned int x, y, z;
};

#define __global__
#define __device__
#define __constant__ static
#define __shared__ static  // blocks run one after another
#define __restrict__
#define __forceinline__ inline
#define __launch_bounds__(...)

static dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace fibers {
static ucontext_t scheduler;
static std::vector<ucontext_t> contexts;
static std::vector<std::vector<char>> stacks;
static std::vector<char> done;
static unsigned current;
static void (*body)(void *);
static void *arguments;

static void run() {
    body(arguments);
    done[current] = 1;
    swapcontext(&contexts[current], &scheduler);
}

static void block(unsigned n_threads) {
    contexts.resize(n_threads);
    stacks.resize(n_threads);
    done.assign(n_threads, 0);
    for (unsigned i = 0; i < n_threads; i++) {
        stacks[i].resize(1 << 16);
        getcontext(&contexts[i]);
        contexts[i].uc_stack.ss_sp = stacks[i].data();
        contexts[i].uc_stack.ss_size = stacks[i].size();
        contexts[i].uc_link = nullptr;
        makecontext(&contexts[i], run, 0);
    }
    for (bool any = true; any;) {
        any = false;
        // Odd turns go backwards, so that a missing barrier does not stay hidden.
        static unsigned turn;
        turn++;
        for (unsigned k = 0; k < n_threads; k++) {
            current = turn % 2 ? n_threads - 1 - k : k;
            if (done[current]) continue;
            any = true;
            threadIdx.x = current % blockDim.x;
            threadIdx.y = current / blockDim.x % blockDim.y;
            threadIdx.z = current / (blockDim.x * blockDim.y);
            swapcontext(&scheduler, &contexts[current]);
        }
    }
}
}  // namespace fibers

static void __syncthreads() {
    const unsigned me = fibers::current;
    const dim3 mine = threadIdx;
    swapcontext(&fibers::contexts[me], &fibers::scheduler);
    threadIdx = mine;
}

template <typename T>
static T atomicAdd(T *target, T value) {
    const T before = *target;
    *target += value;
    return before;
}
template <typename T>
static T atomicMin(T *target, T value) {
    const T before = *target;
    if (value < before) *target = value;
    return before;
}
template <typename T>
static T atomicMax(T *target, T value) {
    const T before = *target;
    if (value > before) *target = value;
    return before;
}

template <typename... A>
struct Call {
    void (*kernel)(A...);
    void **values;
    template <size_t... I>
    void go(std::index_sequence<I...>) {
        kernel(*(A *)values[I]...);
    }
    static void body(void *self) { ((Call *)self)->go(std::index_sequence_for<A...>{}); }
};

template <typename... A>
static void launch(
    void (*kernel)(A...), const unsigned *grid, const unsigned *block, void **values) {
    Call<A...> call{kernel, values};
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    fibers::body = Call<A...>::body;
    fibers::arguments = &call;
    for (unsigned z = 0; z < grid[2]; z++)
        for (unsigned y = 0; y < grid[1]; y++)
            for (unsigned x = 0; x < grid[0]; x++) {
                blockIdx = {x, y, z};
                fibers::block(block[0] * block[1] * block[2]);
            }
}
