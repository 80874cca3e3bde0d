/* Stands in for libcuda and libnvcuvid: two GPUs, of which only the second decodes 10-bit H.264. */
#include <string.h>

typedef struct {
    int codec, chroma;
    unsigned depth_minus_8, reserved_1[3];
    unsigned char is_supported, engines;
    unsigned short output_formats;
    unsigned max_width, max_height, max_macroblocks;
    unsigned short min_width, min_height;
    unsigned char histogram, counter;
    unsigned short bins;
    unsigned reserved_3[10];
} Caps;

static int n_pushed, n_retained, current = -1;

int cuInit(unsigned flags) { return flags; }
int cuDriverGetVersion(int *version) { return *version = 12060, 0; }
int cuDeviceGetCount(int *count) { return *count = 2, 0; }
int cuDeviceGet(int *device, int number) { return *device = number, number > 1 ? 101 : 0; }
int cuDeviceGetName(char *name, int size, int device) {
    strncpy(name, device ? "New" : "Old", size);
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = 8ull << 30, 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? (device ? 10 : 9) : 0;
    return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
    current = device;
    n_retained++;
    return *context = (void *)0x1000, 0;
}
int cuDevicePrimaryCtxRelease_v2(int device) { return n_retained--, 0; }
int cuCtxPushCurrent_v2(void *context) { return n_pushed++, context != (void *)0x1000; }
int cuCtxPopCurrent_v2(void **context) { return n_pushed--, 0; }
int cuGetErrorString(int error, const char **text) { return *text = "invalid device ordinal", 0; }
int contexts_in_use(void) { return n_pushed + n_retained; }

int cuvidGetDecoderCaps(Caps *caps) {
    if (n_pushed != 1) return 201;
    caps->is_supported = caps->codec == 4 && caps->chroma == 1 &&
                         (caps->depth_minus_8 == 0 || (caps->depth_minus_8 == 2 && current == 1));
    caps->engines = 7;
    caps->max_width = caps->max_height = 4096;
    caps->max_macroblocks = 65536;
    caps->min_width = 48;
    caps->min_height = 16;
    return 0;
}
