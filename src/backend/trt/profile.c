/* backend/trt/profile.c - optimization profiles: the shapes that an engine must be able to take.
 *
 * A profile states smallest, usual and largest dims of each input, or for a shape tensor its
 * smallest, usual and largest values.
 */
#include "backend/trt/build.h"

#include "base/log.h"

/* One input's part of a profile. */
typedef struct input_range {
    const char *name;
    bool is_values; /* a shape tensor: `at` holds values */
    px_trt_dims at[PX_TRT_PROFILE_KINDS];
} input_range;

/* The shape that the user gave for the input; the name may be a pattern. */
static ptrdiff_t find_given(const px_trt_profile *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->min[i].name, name) == 0)
            return (ptrdiff_t)i;
    for (size_t i = 0; i < p->n; i++)
        if (px_str_fnmatch(px_str_of(p->min[i].name), px_str_of(name)))
            return (ptrdiff_t)i;
    return -1;
}

const px_opt_shape *px_trt_profile_shape(const px_trt_args *args, const char *input, int kind)
{
    const ptrdiff_t at = args->n_profiles > 0 ? find_given(&args->profiles[0], input) : -1;
    if (at < 0)
        return NULL;
    const px_trt_profile *p = &args->profiles[0];
    const px_opt_shape *const shapes[PX_TRT_PROFILE_KINDS] = {p->min, p->opt, p->max};
    return &shapes[kind][at];
}

static pgy_status *take_given(const px_opt_shape *shape, px_trt_dims *out)
{
    if (shape->rank > PX_TRT_MAX_DIMS)
        return PX_FAIL(PGY_ERR_USAGE,
                       "The shape of '%s' has %d dimensions; TensorRT takes at most %d.",
                       shape->name, shape->rank, PX_TRT_MAX_DIMS);
    *out = (px_trt_dims){.n = shape->rank};
    for (int i = 0; i < shape->rank; i++)
        out->d[i] = shape->dims[i];
    return NULL;
}

/* Where the user says nothing, dynamic dims are 1, and so are the values of a shape tensor. */
static void take_default(px_trt_build *b, void *tensor, input_range *r)
{
    px_trt_dims dims = px_trt_tensor_get_dimensions(&b->lib->abi, tensor);
    bool is_dynamic = false;
    if (r->is_values) {
        const int64_t count = dims.n == 0 ? 1 : dims.d[0];
        dims.n = (int32_t)(count < 0 ? 1 : PX_MIN(count, PX_TRT_MAX_DIMS));
        for (int32_t i = 0; i < dims.n; i++)
            dims.d[i] = 1;
        is_dynamic = true;
    }
    for (int32_t i = 0; i < dims.n; i++)
        if (dims.d[i] < 0) {
            dims.d[i] = 1;
            is_dynamic = true;
        }
    for (int kind = 0; kind < PX_TRT_PROFILE_KINDS; kind++)
        r->at[kind] = dims;
    if (!is_dynamic)
        return;
    px_buf text = {0};
    px_trt_dims_print(&text, &dims);
    px_log_once(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
                "Input tensor: %s | No shapes provided; Will use shape: %s for min/opt/max in "
                "profile.",
                r->name, px_buf_cstr(&text));
    px_log_once(b->cx, PGY_LOG_WARNING, PX_AT_TRT,
                "Input tensor: %s | This will cause the tensor to have a static shape. If this is "
                "incorrect, please set the range of shapes for this input tensor.",
                r->name);
    px_buf_fini(&text);
}

static bool set_values(const px_trt_abi *abi, void *profile, const input_range *r, int kind)
{
    const px_trt_dims *values = &r->at[kind];
    if (px_trt_has(abi, PX_TRT_PROFILE_SET_SHAPE_VALUES_V2))
        return px_trt_profile_set_shape_values_v2(abi, profile, r->name, kind, values->d,
                                                  values->n);
    const px_trt_dims32 narrow = px_trt_dims_narrow(values);
    return px_trt_profile_set_shape_values(abi, profile, r->name, kind, narrow.d, narrow.n);
}

static pgy_status *set_range(px_trt_build *b, void *profile, const input_range *r)
{
    static const char *const kinds[] = {"smallest", "usual", "largest"};
    const px_trt_abi *abi = &b->lib->abi;
    for (int kind = 0; kind < PX_TRT_PROFILE_KINDS; kind++) {
        px_trt_begin(b->lib);
        const bool is_ok =
            r->is_values ? set_values(abi, profile, r, kind)
                         : px_trt_profile_set_dimensions(abi, profile, r->name, kind, &r->at[kind]);
        if (!is_ok) {
            px_buf text = {0};
            px_trt_dims_print(&text, &r->at[kind]);
            pgy_status *st = px_trt_failed(b->lib, "refuses %s as the %s %s of the input '%s'",
                                           px_buf_cstr(&text), kinds[kind],
                                           r->is_values ? "values" : "shape", r->name);
            px_buf_fini(&text);
            return st;
        }
        px_trt_end(b->lib);
    }
    return NULL;
}

static void print_range(px_buf *text, const input_range *r)
{
    static const char *const kinds[] = {"min=", "opt=", "max="};
    px_buf_printf(text, "%s [", r->name);
    for (int kind = 0; kind < PX_TRT_PROFILE_KINDS; kind++) {
        px_buf_printf(text, "%s%s", kind > 0 ? ", " : "", kinds[kind]);
        px_trt_dims_print(text, &r->at[kind]);
    }
    px_buf_putc(text, ']');
}

/* Names in the profile that no input has are mistakes worth seeing, but do not stop the build. */
static void report_unused(px_trt_build *b, const px_trt_profile *given)
{
    const px_trt_abi *abi = &b->lib->abi;
    const int32_t n = px_trt_network_get_nb_inputs(abi, b->network);
    for (size_t k = 0; k < given->n; k++) {
        bool is_used = false;
        px_buf names = {0};
        for (int32_t i = 0; i < n; i++) {
            const char *name =
                px_trt_tensor_get_name(abi, px_trt_network_get_input(abi, b->network, i));
            is_used |= px_str_fnmatch(px_str_of(given->min[k].name), px_str_of(name));
            px_buf_printf(&names, "%s%s", i > 0 ? ", " : "", name);
        }
        if (!is_used)
            px_log_once(b->cx, PGY_LOG_ERROR, PX_AT_TRT,
                        "The optimization profile has shapes for '%s', which is no input of the "
                        "network; its inputs are: %s.",
                        given->min[k].name, px_buf_cstr(&names));
        px_buf_fini(&names);
    }
}

static pgy_status *fill(px_trt_build *b, const px_trt_profile *given, void *profile, px_buf *text)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;
    const int32_t n = px_trt_network_get_nb_inputs(abi, b->network);
    for (int32_t i = 0; i < n; i++) {
        void *tensor = px_trt_network_get_input(abi, b->network, i);
        input_range r = {.name = px_trt_tensor_get_name(abi, tensor),
                         .is_values = px_trt_tensor_is_shape_tensor(abi, tensor)};
        const ptrdiff_t at = find_given(given, r.name);
        if (at < 0) {
            take_default(b, tensor, &r);
        } else {
            PX_TRY(take_given(&given->min[at], &r.at[PX_TRT_PROFILE_MIN]));
            PX_TRY(take_given(&given->opt[at], &r.at[PX_TRT_PROFILE_OPT]));
            PX_TRY(take_given(&given->max[at], &r.at[PX_TRT_PROFILE_MAX]));
        }
        PX_TRY(set_range(b, profile, &r));
        px_buf_puts(text, i > 0 ? ",\n         " : "");
        print_range(text, &r);
    }
done:
    return st;
}

static pgy_status *add(px_trt_build *b, const px_trt_profile *given, size_t number, px_buf *text,
                       void **out)
{
    pgy_status *st = NULL;
    const px_trt_abi *abi = &b->lib->abi;

    px_trt_begin(b->lib);
    void *profile = px_trt_builder_create_optimization_profile(abi, b->builder);
    if (profile == NULL)
        PX_TRY(px_trt_failed(b->lib, "could not create an optimization profile"));
    px_buf_printf(text, "\n    Profile %zu:\n        {", number);
    PX_TRY(fill(b, given, profile, text));
    px_buf_puts(text, "}");
    report_unused(b, given);
    px_trt_begin(b->lib);
    if (!px_trt_profile_is_valid(abi, profile) ||
        px_trt_config_add_optimization_profile(abi, b->config, profile) < 0)
        PX_TRY(px_trt_failed(b->lib, "refuses optimization profile %zu", number));
    px_trt_end(b->lib);
    *out = profile; /* the builder owns it */
done:
    return st;
}

pgy_status *px_trt_profiles_add(px_trt_build *b)
{
    pgy_status *st = NULL;
    const px_trt_profile none = {0};
    const size_t n = PX_MAX(b->args->n_profiles, (size_t)1);
    px_buf text = {0};
    void *last = NULL;

    px_log(b->cx, PGY_LOG_VERBOSE, PX_AT_TRT, "Setting TensorRT Optimization Profiles");
    px_buf_puts(&text, "Configuring with profiles:[");
    if (px_trt_network_get_nb_inputs(&b->lib->abi, b->network) > 0)
        for (size_t i = 0; i < n; i++)
            PX_TRY(
                add(b, b->args->n_profiles > 0 ? &b->args->profiles[i] : &none, i, &text, &last));
    px_buf_puts(&text, "\n]");
    px_log_text(b->cx, PGY_LOG_INFO, PX_AT_TRT, px_buf_str(&text));
    if (b->args->int8.given)
        PX_TRY(px_trt_calibrator_attach(b, last));
done:
    px_buf_fini(&text);
    return st;
}
