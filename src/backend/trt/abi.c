/* backend/trt/abi.c - resolves the tables for one version. */
#include "backend/trt/abi.h"

#include <stdio.h>

static const px_trt_range *range_of(const px_trt_range *ranges, int32_t version)
{
    for (int i = 0; i < PX_TRT_MAX_RANGES && ranges[i].last != 0; i++)
        if (version >= ranges[i].first && version <= ranges[i].last)
            return &ranges[i];
    return NULL;
}

static int32_t version_of(const px_trt_abi *abi)
{
    return abi->major * 10000 + abi->minor * 100 + abi->patch;
}

pgy_status *px_trt_abi_init(px_trt_abi *out, int32_t lib_version, bool is_rtx, bool *out_is_tested)
{
    /* major*10000 + minor*100 + patch from 10.0 on and in RTX, major*1000 + ... before. */
    const int32_t unit = lib_version >= 10000 ? 10000 : 1000;
    px_trt_abi abi = {.major = lib_version / unit,
                      .minor = lib_version % unit / 100,
                      .patch = lib_version % 100,
                      .is_rtx = is_rtx};
    snprintf(abi.name, sizeof abi.name, "TensorRT%s %d.%d.%d", is_rtx ? "-RTX" : "", abi.major,
             abi.minor, abi.patch);
    const int32_t version = version_of(&abi);
    const bool is_known = is_rtx ? abi.major == 1
                                 : version >= PX_TRT_VERSION_MIN &&
                                       (abi.major == 8 || abi.major == 10 || abi.major == 11);
    if (!is_known)
        return PX_FAIL(
            PGY_ERR_BACKEND,
            "%s has an interface that this program does not know; it knows TensorRT 8.6, "
            "10 and 11 and TensorRT-RTX 1.",
            abi.name);
    *out_is_tested = is_rtx ? abi.minor <= 7 : version <= PX_TRT_VERSION_MAX;
    abi.has_dims32 = abi.major == 8;
    for (int i = 0; i < PX_TRT_METHOD_COUNT; i++) {
        const px_trt_method_row *row = &px_trt_methods[i];
        const px_trt_range *range = range_of(row->slots, version);
        abi.slots[i] = (int16_t)(is_rtx ? row->rtx : range != NULL ? range->value : -1);
    }
    *out = abi;
    return NULL;
}

static int32_t value_of(const px_trt_abi *abi, const px_trt_enum_row *row)
{
    const px_trt_range *range = range_of(row->values, version_of(abi));
    return abi->is_rtx ? row->rtx : range != NULL ? range->value : -1;
}

int32_t px_trt_enum(const px_trt_abi *abi, const char *enumeration, px_str name)
{
    for (size_t i = 0; i < px_trt_n_enums; i++)
        if (strcmp(px_trt_enums[i].enumeration, enumeration) == 0 &&
            px_str_eq_nocase(name, px_str_of(px_trt_enums[i].name)))
            return value_of(abi, &px_trt_enums[i]);
    return -1;
}

const char *px_trt_enum_name(const px_trt_abi *abi, const char *enumeration, int32_t value)
{
    for (size_t i = 0; value >= 0 && i < px_trt_n_enums; i++)
        if (strcmp(px_trt_enums[i].enumeration, enumeration) == 0 &&
            value_of(abi, &px_trt_enums[i]) == value)
            return px_trt_enums[i].name;
    return NULL;
}

void px_trt_enum_print_names(const px_trt_abi *abi, const char *enumeration, px_buf *out)
{
    bool is_first = true;
    for (size_t i = 0; i < px_trt_n_enums; i++) {
        if (strcmp(px_trt_enums[i].enumeration, enumeration) != 0 ||
            value_of(abi, &px_trt_enums[i]) < 0)
            continue;
        px_buf_printf(out, "%s%s", is_first ? "" : ", ", px_trt_enums[i].name);
        is_first = false;
    }
}

px_trt_dims px_trt_dims_widen(px_trt_dims32 dims)
{
    px_trt_dims wide = {.n = dims.n};
    for (int i = 0; i < PX_TRT_MAX_DIMS; i++)
        wide.d[i] = dims.d[i];
    return wide;
}

px_trt_dims32 px_trt_dims_narrow(const px_trt_dims *dims)
{
    px_trt_dims32 narrow = {.n = dims->n};
    for (int i = 0; i < PX_TRT_MAX_DIMS; i++)
        narrow.d[i] = (int32_t)dims->d[i];
    return narrow;
}

px_trt_dims px_trt_batch_dims(const px_trt_dims *dims, int64_t batch)
{
    px_trt_dims out = {.n = PX_MIN(dims->n + 1, PX_TRT_MAX_DIMS), .d = {batch}};
    for (int i = 1; i < out.n; i++)
        out.d[i] = dims->d[i - 1];
    return out;
}

void px_trt_dims_print(px_buf *b, const px_trt_dims *dims)
{
    px_buf_putc(b, '[');
    for (int i = 0; i < dims->n && i < PX_TRT_MAX_DIMS; i++)
        px_buf_printf(b, "%s%lld", i > 0 ? ", " : "", (long long)dims->d[i]);
    px_buf_putc(b, ']');
}

px_trt_callee px_trt_callee_of(const px_trt_abi *abi, px_trt_method method, void *object,
                               bool is_public)
{
    px_trt_callee callee = {.self = is_public ? ((void **)object)[1] : object};
    if (abi->slots[method] >= 0)
        callee.fn = (*(px_trt_fn **)callee.self)[abi->slots[method]];
    return callee;
}

void px_trt_delete(void *object)
{
    enum { DELETING_DESTRUCTOR = 1 };
    if (object == NULL)
        return;
    px_trt_fn fn = (*(px_trt_fn **)object)[DELETING_DESTRUCTOR];
    ((void (*)(void *))fn)(object);
}

/* --- objects that we implement --- */

static void do_nothing(void *self)
{
    PX_UNUSED(self);
}

static int32_t language_is_cpp(void *self)
{
    PX_UNUSED(self);
    return 0;
}

static px_trt_fn standard_function(const char *method)
{
    if (method[0] == '~')
        return (px_trt_fn)do_nothing;
    if (strcmp(method, "getAPILanguage") == 0)
        return (px_trt_fn)language_is_cpp;
    return NULL;
}

void px_trt_vtable_init(px_trt_vtable *out, const px_trt_abi *abi, const char *interface,
                        const px_trt_callback *callbacks, size_t n)
{
    *out = (px_trt_vtable){0};
    for (int i = 0; i < PX_TRT_METHOD_COUNT; i++) {
        const px_trt_method_row *row = &px_trt_methods[i];
        if (abi->slots[i] < 0 || strcmp(row->interface, interface) != 0)
            continue;
        px_trt_fn fn = standard_function(row->method);
        for (size_t k = 0; k < n; k++)
            if ((int)callbacks[k].method == i)
                fn = callbacks[k].fn;
        assert(abi->slots[i] < PX_TRT_MAX_CALLBACKS && fn != NULL);
        out->slots[abi->slots[i]] = fn;
    }
}
