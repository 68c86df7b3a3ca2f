/* tests/trt/fake_nvinfer.c - libnvinfer and its parser in C, for tests without TensorRT.
 *
 * Objects have the layout of the version in FAKE_TRT_VERSION (100600 unless set), by the same
 * tables as the backend's. Each call is written as a line to the file FAKE_TRT_LOG:
 * "IBuilderConfig.setFlag 0". A slot that no function was put into ends the process: the backend
 * may not call what the version lacks. "objects alive: N" is the last line.
 *
 * Every model is the same network: x float32 [-1, 4] -> (layer one) h -> (layer two) y, where
 * h = x + 1 and y = h + 1. FAKE_TRT_SHAPE_TENSOR=1: the input "s" (int64, [2]) is a shape tensor in
 * host memory. FAKE_TRT_FAIL=METHOD makes that function fail and log an error. A network that 8.6
 * makes without EXPLICIT_BATCH is of single samples: x is [4], and h and y too.
 *
 * Here: the frame and the entry points. The rest: fake_network.c, fake_build.c, fake_run.c.
 */
#include "fake_nvinfer.h"

#define EXPORT __attribute__((visibility("default")))

px_trt_abi fake_abi;
FILE *fake_out;
void *fake_logger;
int fake_n_alive;

/* --- vtables --- */

enum { SLOTS = 128, MAX_INTERFACES = 32 };

static struct table {
    const char *interface;
    px_trt_fn slots[SLOTS];
} tables[MAX_INTERFACES];
static int n_tables;

static void unexpected(void)
{
    fprintf(stderr, "fake_nvinfer: a slot was called that this version does not have\n");
    abort();
}

static struct table *table_of(const char *interface)
{
    for (int i = 0; i < n_tables; i++)
        if (strcmp(tables[i].interface, interface) == 0)
            return &tables[i];
    struct table *t = &tables[n_tables++];
    t->interface = interface;
    for (int i = 0; i < SLOTS; i++)
        t->slots[i] = unexpected;
    return t;
}

const px_trt_fn *fake_slots_of(const char *interface)
{
    return table_of(interface)->slots;
}

void fake_put(px_trt_method method, px_trt_fn fn)
{
    if (fake_abi.slots[method] >= 0)
        table_of(px_trt_methods[method].interface)->slots[fake_abi.slots[method]] = fn;
}

static void destroy_in_place(void *self)
{
    PX_UNUSED(self);
    abort();
}

static void destroy_and_free(void *self)
{
    fake_n_alive--;
    free(self);
}

static const px_trt_fn public_vtable[] = {(px_trt_fn)destroy_in_place, (px_trt_fn)destroy_and_free};

object *fake_init(object *o, const char *interface, const char *name)
{
    *o = (object){.vptr = public_vtable, .impl = &o->body};
    o->body.vptr = table_of(interface)->slots;
    snprintf(o->body.name, sizeof o->body.name, "%s", name);
    return o;
}

object *fake_new_object(const char *interface)
{
    fake_n_alive++;
    return fake_init(malloc(sizeof(object)), interface, "");
}

/* --- the log, and failing on demand --- */

void fake_note(const char *what, long long a, long long b)
{
    fprintf(fake_out, "%s %lld %lld\n", what, a, b);
}

bool fake_fails(const char *method)
{
    const char *wanted = getenv("FAKE_TRT_FAIL");
    if (wanted == NULL || strcmp(wanted, method) != 0)
        return false;
    void **self = fake_logger;
    void (*log)(void *, int32_t, const char *) = (void (*)(void *, int32_t, const char *))(
        *(px_trt_fn **)self)[fake_abi.slots[PX_TRT_LOGGER_LOG]];
    log(fake_logger, 1, "made-up failure for the layer 'two'");
    return true;
}

/* --- entry points --- */

static int32_t version(void)
{
    const char *text = getenv("FAKE_TRT_VERSION");
    return text != NULL ? (int32_t)strtol(text, NULL, 10) : 100600;
}

static void at_end(void)
{
    fprintf(fake_out, "objects alive: %d\n", fake_n_alive);
    fclose(fake_out);
}

static void begin(void *given_logger)
{
    bool is_tested;
    fake_logger = given_logger;
    if (fake_out != NULL)
        return;
    const char *path = getenv("FAKE_TRT_LOG");
    fake_out = fopen(path != NULL ? path : "/dev/null", "w");
    setvbuf(fake_out, NULL, _IOLBF, BUFSIZ); /* Python ends without a chance to write the rest */
    atexit(at_end);
    pgy_status_free(px_trt_abi_init(&fake_abi, version(), false, &is_tested));
    fake_fill_network();
    fake_fill_config();
    fake_fill_runtime();
}

EXPORT int32_t getInferLibVersion(void);
EXPORT int32_t getInferLibVersion(void)
{
    return version();
}

EXPORT void *createInferBuilder_INTERNAL(void *given_logger, int32_t given_version);
EXPORT void *createInferBuilder_INTERNAL(void *given_logger, int32_t given_version)
{
    begin(given_logger);
    return fake_fails("createInferBuilder") ? NULL : fake_new_object("IBuilder");
}

/* For tests that look while the library is loaded. */
EXPORT int fake_objects_alive(void);
EXPORT int fake_objects_alive(void)
{
    return fake_n_alive;
}

/* What the methods of a builder give, for a stand-in of the Python module. */
EXPORT void *fake_network(void);
EXPORT void *fake_network(void)
{
    return fake_network_new(NULL, 0);
}

EXPORT void *fake_config(void);
EXPORT void *fake_config(void)
{
    return fake_config_new(NULL);
}

EXPORT void *createInferRuntime_INTERNAL(void *given_logger, int32_t given_version);
EXPORT void *createInferRuntime_INTERNAL(void *given_logger, int32_t given_version)
{
    begin(given_logger);
    return fake_fails("createInferRuntime") ? NULL : fake_new_object("IRuntime");
}

/* The parser and the plugins, which are other libraries with TensorRT. */
EXPORT int32_t getNvOnnxParserVersion(void);
EXPORT int32_t getNvOnnxParserVersion(void)
{
    return version();
}

static void *new_parser(const char *interface)
{
    impl *parser = calloc(1, sizeof *parser);
    parser->vptr = fake_slots_of(interface);
    fake_n_alive++;
    return parser;
}

EXPORT void *createNvOnnxParser_INTERNAL(void *network, void *given_logger, int32_t given_version);
EXPORT void *createNvOnnxParser_INTERNAL(void *network, void *given_logger, int32_t given_version)
{
    return new_parser("IParser");
}

EXPORT void *createNvUffParser_INTERNAL(void);
EXPORT void *createNvUffParser_INTERNAL(void)
{
    return new_parser("IUffParser");
}

EXPORT void *createNvCaffeParser_INTERNAL(void);
EXPORT void *createNvCaffeParser_INTERNAL(void)
{
    return new_parser("ICaffeParser");
}

EXPORT bool initLibNvInferPlugins(void *given_logger, const char *name_space);
EXPORT bool initLibNvInferPlugins(void *given_logger, const char *name_space)
{
    return true;
}
