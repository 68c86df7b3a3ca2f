/* backend/trt/calibrator.c - int8 calibration: an object that TensorRT asks for data.
 *
 * TensorRT calls it while it builds, perhaps from a thread of its own. Errors there are kept and
 * reported when the build is over.
 */
#include "backend/trt/build.h"

#include "base/file.h"
#include "base/log.h"
#include "base/tensor.h"

/* One input of the network. */
typedef struct calib_input {
    pgy_io io;
    int64_t dims[PX_TRT_MAX_DIMS];
    px_cuda_buffer buffer;
} calib_input;

struct px_trt_calibrator {
    const void *vptr; /* first word, as C++ has it */
    px_trt_vtable vtable;
    px_trt_build *build;
    const struct calib_class *kind;
    calib_input *inputs;
    pgy_io *ios; /* the same as `inputs`, as the data loader wants them */
    size_t n_inputs;
    int64_t next; /* feed */
    px_file cache;
    double quantile, cutoff;
    pgy_status *failed; /* first error inside a callback */
};

typedef struct calib_class {
    const char *name, *algorithm;
} calib_class;
static const calib_class classes[] = {
    {"IInt8EntropyCalibrator2", "ENTROPY_CALIBRATION_2"},
    {"IInt8MinMaxCalibrator", "MINMAX_CALIBRATION"},
    {"IInt8EntropyCalibrator", "ENTROPY_CALIBRATION"},
    {"IInt8LegacyCalibrator", "LEGACY_CALIBRATION"},
};

/* --- what TensorRT calls --- */

static int32_t get_batch_size(void *self)
{
    PX_UNUSED(self);
    return 1;
}

/* getInterfaceInfo is told its class by the function that is called, so there is one per class. */
#define INFO(i)                                                                                    \
    static px_trt_interface_info info_##i(void *self)                                              \
    {                                                                                              \
        PX_UNUSED(self);                                                                           \
        return (px_trt_interface_info){classes[i].name, 1, 0};                                     \
    }
INFO(0)
INFO(1)
INFO(2)
INFO(3)
#undef INFO
static px_trt_interface_info (*const infos[])(void *) = {info_0, info_1, info_2, info_3};

static int32_t get_algorithm(void *self)
{
    const px_trt_calibrator *c = self;
    return px_trt_enum(&c->build->lib->abi, "CalibrationAlgoType", px_str_of(c->kind->algorithm));
}

static double get_quantile(void *self)
{
    return ((px_trt_calibrator *)self)->quantile;
}

static double get_cutoff(void *self)
{
    return ((px_trt_calibrator *)self)->cutoff;
}

/* The histograms of the legacy class are not kept. */
static const void *read_histogram(void *self, size_t *size)
{
    PX_UNUSED(self);
    *size = 0;
    return NULL;
}

static void write_histogram(void *self, const void *bytes, size_t size)
{
    PX_UNUSED(self);
    PX_UNUSED(bytes);
    PX_UNUSED(size);
}

static pgy_status *upload(px_trt_calibrator *c, calib_input *input, const pgy_tensor *t)
{
    pgy_status *st = NULL;
    const px_cuda *cuda = &c->build->lib->cuda;
    PX_TRY(px_cuda_buffer_reserve(cuda, &input->buffer, t->size, input->io.name));
    PX_TRY(px_cuda_check(cuda, cuda->copy_to_device(input->buffer.at, t->data, t->size, NULL),
                         "copying calibration data for '%s'", input->io.name));
done:
    return st;
}

static calib_input *find_input(px_trt_calibrator *c, const char *name)
{
    for (size_t i = 0; i < c->n_inputs; i++)
        if (strcmp(c->inputs[i].io.name, name) == 0)
            return &c->inputs[i];
    return NULL;
}

static pgy_status *next_batch(px_trt_calibrator *c, void **bindings, const char *const *names,
                              int32_t n, bool *out_end)
{
    pgy_status *st = NULL;
    const px_trt_setup *setup = c->build->setup;
    const px_cuda *cuda = &c->build->lib->cuda;
    px_feed feed = {0};

    if (setup->calibration_feed == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "int8 calibration has no data and no cache to read."));
    PX_TRY(setup->calibration_feed(setup->calibration_user, c->ios, c->n_inputs, c->next, &feed,
                                   out_end));
    if (*out_end) {
        if (c->next == 0)
            PX_TRY(PX_FAIL(PGY_ERR_USAGE, "The data loader gave no data for int8 calibration."));
        goto done;
    }
    c->next++;
    PX_TRY(px_cuda_enter(cuda));
    for (int32_t i = 0; i < n; i++) {
        calib_input *input = find_input(c, names[i]);
        if (input == NULL)
            PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                           "Calibration wants data for '%s', which is no input of the network.",
                           names[i]));
        PX_TRY(upload(c, input, feed.tensors[input - c->inputs]));
        bindings[i] = (void *)(uintptr_t)input->buffer.at;
    }
    PX_TRY(px_cuda_check(cuda, cuda->stream_wait(NULL), "copying calibration data"));
done:
    px_feed_fini(&feed);
    return st;
}

static bool get_batch(void *self, void **bindings, const char *const *names, int32_t n)
{
    px_trt_calibrator *c = self;
    bool is_end = false;
    if (c->failed != NULL)
        return false;
    pthread_mutex_lock(&c->build->lib->lock); /* the data loader logs */
    c->failed = next_batch(c, bindings, names, n, &is_end);
    pthread_mutex_unlock(&c->build->lib->lock);
    return c->failed == NULL && !is_end;
}

static const void *read_cache(void *self, size_t *size)
{
    px_trt_calibrator *c = self;
    *size = c->cache.size;
    return c->cache.data;
}

static void write_cache(void *self, const void *bytes, size_t size)
{
    px_trt_calibrator *c = self;
    const px_opt_str *path = &c->build->args->calibration_cache;
    if (!path->given || c->cache.size > 0)
        return;
    pthread_mutex_lock(&c->build->lib->lock);
    px_log(c->build->cx, PGY_LOG_INFO, PX_AT_TRT, "Saving calibration cache to %s", path->value);
    pthread_mutex_unlock(&c->build->lib->lock);
    c->failed = px_status_join(c->failed, px_file_write(path->value, bytes, size));
}

/* --- setting up --- */

static pgy_status *choose_class(px_trt_calibrator *c, size_t *out)
{
    const px_opt_str *given = &c->build->args->calib_base_cls;
    *out = 0;
    for (size_t i = 0; given->given && i < PX_COUNTOF(classes); i++)
        if (px_str_eq_nocase(px_str_of(given->value), px_str_of(classes[i].name))) {
            *out = i;
            return NULL;
        }
    if (!given->given)
        return NULL;
    return PX_FAIL(
        PGY_ERR_USAGE, "--calib-base-cls %s: there is no such class; use one of %s, %s, %s, %s.",
        given->value, classes[0].name, classes[1].name, classes[2].name, classes[3].name);
}

static void make_vtable(px_trt_calibrator *c, size_t i_class)
{
    const px_trt_abi *abi = &c->build->lib->abi;
    const bool is_legacy = strcmp(c->kind->name, "IInt8LegacyCalibrator") == 0;
    const px_trt_callback plain[] = {
        {PX_TRT_CALIBRATOR_GET_BATCH_SIZE, (px_trt_fn)get_batch_size},
        {PX_TRT_CALIBRATOR_GET_BATCH, (px_trt_fn)get_batch},
        {PX_TRT_CALIBRATOR_READ_CALIBRATION_CACHE, (px_trt_fn)read_cache},
        {PX_TRT_CALIBRATOR_WRITE_CALIBRATION_CACHE, (px_trt_fn)write_cache},
        {PX_TRT_CALIBRATOR_GET_ALGORITHM, (px_trt_fn)get_algorithm},
        {PX_TRT_CALIBRATOR_GET_INTERFACE_INFO, (px_trt_fn)infos[i_class]},
    };
    const px_trt_callback legacy[] = {
        {PX_TRT_LEGACY_CALIBRATOR_GET_BATCH_SIZE, (px_trt_fn)get_batch_size},
        {PX_TRT_LEGACY_CALIBRATOR_GET_BATCH, (px_trt_fn)get_batch},
        {PX_TRT_LEGACY_CALIBRATOR_READ_CALIBRATION_CACHE, (px_trt_fn)read_cache},
        {PX_TRT_LEGACY_CALIBRATOR_WRITE_CALIBRATION_CACHE, (px_trt_fn)write_cache},
        {PX_TRT_LEGACY_CALIBRATOR_GET_ALGORITHM, (px_trt_fn)get_algorithm},
        {PX_TRT_LEGACY_CALIBRATOR_GET_INTERFACE_INFO, (px_trt_fn)infos[i_class]},
        {PX_TRT_LEGACY_CALIBRATOR_GET_QUANTILE, (px_trt_fn)get_quantile},
        {PX_TRT_LEGACY_CALIBRATOR_GET_REGRESSION_CUTOFF, (px_trt_fn)get_cutoff},
        {PX_TRT_LEGACY_CALIBRATOR_READ_HISTOGRAM_CACHE, (px_trt_fn)read_histogram},
        {PX_TRT_LEGACY_CALIBRATOR_WRITE_HISTOGRAM_CACHE, (px_trt_fn)write_histogram},
    };
    if (is_legacy)
        px_trt_vtable_init(&c->vtable, abi, "IInt8LegacyCalibrator", legacy, PX_COUNTOF(legacy));
    else
        px_trt_vtable_init(&c->vtable, abi, "IInt8Calibrator", plain, PX_COUNTOF(plain));
    c->vptr = c->vtable.slots;
}

/* Inputs with the usual shapes of the calibration profile. */
static pgy_status *list_inputs(px_trt_calibrator *c, void *profile)
{
    pgy_status *st = NULL;
    px_trt_build *b = c->build;
    const px_trt_abi *abi = &b->lib->abi;
    c->n_inputs = (size_t)px_trt_network_get_nb_inputs(abi, b->network);
    c->inputs = px_arena_calloc(&b->arena, c->n_inputs, sizeof *c->inputs);
    c->ios = px_arena_calloc(&b->arena, c->n_inputs, sizeof *c->ios);
    if (c->inputs == NULL || c->ios == NULL)
        PX_TRY(px_status_nomem());
    for (size_t i = 0; i < c->n_inputs; i++) {
        calib_input *input = &c->inputs[i];
        void *tensor = px_trt_network_get_input(abi, b->network, (int32_t)i);
        const char *name = px_trt_tensor_get_name(abi, tensor);
        px_trt_dims dims = px_trt_tensor_get_dimensions(abi, tensor);
        if (profile != NULL && !px_trt_tensor_is_shape_tensor(abi, tensor))
            dims = px_trt_profile_get_dimensions(abi, profile, name, PX_TRT_PROFILE_OPT);
        else if (px_trt_is_uff_or_caffe(b->model))
            dims = px_trt_batch_dims(&dims, 1);
        memcpy(input->dims, dims.d, sizeof input->dims);
        input->io = (pgy_io){.name = name,
                             .dtype = px_trt_dtype_of(px_trt_tensor_get_type(abi, tensor)),
                             .rank = dims.n,
                             .dims = input->dims};
        c->ios[i] = input->io;
    }
done:
    return st;
}

static pgy_status *open_cache(px_trt_calibrator *c)
{
    const px_opt_str *path = &c->build->args->calibration_cache;
    if (!path->given || !px_path_exists(path->value))
        return NULL;
    pgy_status *st = px_file_map(path->value, &c->cache);
    if (st == NULL && c->cache.size > 0)
        px_log(c->build->cx, PGY_LOG_INFO, PX_AT_TRT, "Loading calibration cache from %s",
               path->value);
    return st;
}

pgy_status *px_trt_calibrator_attach(px_trt_build *b, void *profile)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    size_t i_class = 0;

    px_trt_calibrator *c = b->calibrator = px_arena_calloc(&b->arena, 1, sizeof *c);
    if (c == NULL)
        PX_TRY(px_status_nomem());
    c->build = b;
    c->quantile = b->args->quantile.given ? b->args->quantile.value : 0.5;
    c->cutoff = b->args->regression_cutoff.given ? b->args->regression_cutoff.value : 0.5;
    PX_TRY(choose_class(c, &i_class));
    c->kind = &classes[i_class];
    make_vtable(c, i_class);
    PX_TRY(list_inputs(c, profile));
    PX_TRY(open_cache(c));
    px_trt_config_set_int8_calibrator(abi, b->config, c);
    if (profile != NULL) {
        px_trt_begin(b->lib);
        if (!px_trt_config_set_calibration_profile(abi, b->config, profile))
            PX_TRY(px_trt_failed(b->lib, "refuses the last profile for calibration"));
        px_trt_end(b->lib);
    }
done:
    return st;
}

pgy_status *px_trt_calibrator_finish(px_trt_calibrator *c)
{
    pgy_status *st = c != NULL ? c->failed : NULL;
    if (c != NULL)
        c->failed = NULL;
    return px_status_while(st, "calibrating int8");
}

void px_trt_calibrator_free(px_trt_calibrator *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; c->inputs != NULL && i < c->n_inputs; i++)
        px_cuda_buffer_fini(&c->build->lib->cuda, &c->inputs[i].buffer);
    px_file_unmap(&c->cache);
    pgy_status_free(c->failed);
}

const char *px_trt_calibrator_name(const px_trt_calibrator *c)
{
    return c->kind->name;
}
