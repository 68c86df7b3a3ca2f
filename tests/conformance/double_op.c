/* A library of one ONNX Runtime operator, test.polygraphy:Double: y = 2 x for float32.
 *
 * The structure that describes an operator is the runtime's, in the form that its `version` 8 has;
 * newer members are not read then.
 */
#include <stddef.h>
#include <stdint.h>

typedef struct op op;
struct op {
    uint32_t version;
    void *(*create)(const op *self, const void *const *api, const void *info);
    const char *(*name)(const op *self);
    const char *(*provider)(const op *self);
    int (*input_type)(const op *self, size_t i);
    size_t (*n_inputs)(const op *self);
    int (*output_type)(const op *self, size_t i);
    size_t (*n_outputs)(const op *self);
    void (*compute)(void *kernel, void *context);
    void (*destroy)(void *kernel);
    int (*input_kind)(const op *self, size_t i);
    int (*output_kind)(const op *self, size_t i);
};

/* Slots of the runtime's function table. */
typedef void *(*custom_domain_fn)(const char *name, void **out);
typedef void *(*add_op_fn)(void *domain, const op *o);
typedef void *(*add_domain_fn)(void *options, void *domain);
typedef void *(*get_data_fn)(void *value, void **out);
typedef void *(*get_shape_fn)(const void *value, void **out);
typedef void *(*get_count_fn)(const void *shape, size_t *out);
typedef void (*free_fn)(void *object);
typedef void *(*get_input_fn)(const void *context, size_t i, const void **out);
typedef void *(*get_output_fn)(void *context, size_t i, const int64_t *dims, size_t rank,
                               void **out);
enum {
    CREATE_DOMAIN = 26,
    ADD_OP = 27,
    ADD_DOMAIN = 28,
    GET_DATA = 51,
    GET_COUNT = 64,
    GET_SHAPE = 65,
    GET_INPUT = 90,
    GET_OUTPUT = 91,
    FREE_SHAPE = 99,
    FREE_DOMAIN = 101
};

static const void *const *api;
static void *domain; /* ours to free: the runtime only borrows it */

#define SLOT(type, number) ((type)(uintptr_t)api[number])

static void *create(const op *self, const void *const *table, const void *info)
{
    return (void *)self;
}

static const char *name(const op *self)
{
    return "Double";
}

static const char *provider(const op *self)
{
    return NULL;
}

static int float32(const op *self, size_t i)
{
    return 1;
}

static size_t one(const op *self)
{
    return 1;
}

static int required(const op *self, size_t i)
{
    return 0;
}

static void compute(void *kernel, void *context)
{
    const void *in = NULL;
    void *out = NULL, *shape = NULL;
    float *x = NULL, *y = NULL;
    size_t n = 0;
    SLOT(get_input_fn, GET_INPUT)(context, 0, &in);
    SLOT(get_shape_fn, GET_SHAPE)(in, &shape);
    SLOT(get_count_fn, GET_COUNT)(shape, &n);
    SLOT(free_fn, FREE_SHAPE)(shape);
    const int64_t dims[] = {(int64_t)n};
    SLOT(get_output_fn, GET_OUTPUT)(context, 0, dims, 1, &out);
    SLOT(get_data_fn, GET_DATA)((void *)(uintptr_t)in, (void **)&x);
    SLOT(get_data_fn, GET_DATA)(out, (void **)&y);
    for (size_t i = 0; i < n; i++)
        y[i] = 2 * x[i];
}

static void destroy(void *kernel)
{
}

static const op double_op = {8,       create, name,    provider, float32,  one,
                             float32, one,    compute, destroy,  required, required};

/* The runtime unloads the library when no session needs it any more. */
__attribute__((destructor)) static void free_domain(void)
{
    if (domain != NULL)
        SLOT(free_fn, FREE_DOMAIN)(domain);
}

typedef struct api_base {
    const void *const *(*get_api)(uint32_t version);
} api_base;

__attribute__((visibility("default"))) void *RegisterCustomOps(void *options, const api_base *base);

void *RegisterCustomOps(void *options, const api_base *base)
{
    void *failed;
    api = base->get_api(17);
    failed = SLOT(custom_domain_fn, CREATE_DOMAIN)("test.polygraphy", &domain);
    if (failed == NULL)
        failed = SLOT(add_op_fn, ADD_OP)(domain, &double_op);
    if (failed == NULL)
        failed = SLOT(add_domain_fn, ADD_DOMAIN)(options, domain);
    return failed;
}
