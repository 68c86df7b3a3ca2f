/* backend/tf/values.c - see values.h. */
#include "backend/tf/values.h"

#include "base/tensor.h"

static const struct {
    int type;
    pgy_dtype dtype;
} types[] = {
    {PX_TF_FLOAT, PGY_DTYPE_F32},     {PX_TF_DOUBLE, PGY_DTYPE_F64},
    {PX_TF_INT32, PGY_DTYPE_I32},     {PX_TF_UINT8, PGY_DTYPE_U8},
    {PX_TF_INT16, PGY_DTYPE_I16},     {PX_TF_INT8, PGY_DTYPE_I8},
    {PX_TF_COMPLEX64, PGY_DTYPE_C64}, {PX_TF_INT64, PGY_DTYPE_I64},
    {PX_TF_BOOL, PGY_DTYPE_BOOL},     {PX_TF_BFLOAT16, PGY_DTYPE_BF16},
    {PX_TF_UINT16, PGY_DTYPE_U16},    {PX_TF_COMPLEX128, PGY_DTYPE_C128},
    {PX_TF_HALF, PGY_DTYPE_F16},      {PX_TF_UINT32, PGY_DTYPE_U32},
    {PX_TF_UINT64, PGY_DTYPE_U64},    {PX_TF_FLOAT8_E5M2, PGY_DTYPE_F8E5M2},
    {PX_TF_INT4, PGY_DTYPE_I4},       {PX_TF_FLOAT8_E4M3FN, PGY_DTYPE_F8E4M3FN},
    {PX_TF_UINT4, PGY_DTYPE_U4},      {PX_TF_QINT8, PGY_DTYPE_I8},
    {PX_TF_QUINT8, PGY_DTYPE_U8},     {PX_TF_QINT32, PGY_DTYPE_I32},
    {PX_TF_QINT16, PGY_DTYPE_I16},    {PX_TF_QUINT16, PGY_DTYPE_U16},
};

int px_tf_type_of(pgy_dtype dtype)
{
    for (size_t i = 0; i < PX_COUNTOF(types); i++)
        if (types[i].dtype == dtype)
            return types[i].type;
    return 0;
}

pgy_dtype px_tf_dtype_of(int type)
{
    for (size_t i = 0; i < PX_COUNTOF(types); i++)
        if (types[i].type == type % PX_TF_REF)
            return types[i].dtype;
    return PGY_DTYPE_UNKNOWN;
}

const char *px_tf_type_name(int type)
{
    switch (type % PX_TF_REF) {
    case PX_TF_STRING:
        return "string";
    case PX_TF_RESOURCE:
        return "resource";
    case PX_TF_VARIANT:
        return "variant";
    }
    return "an unknown type";
}

/* TensorFlow keeps four-bit numbers in a byte each. */
static pgy_dtype stored_as(pgy_dtype dtype)
{
    return dtype == PGY_DTYPE_I4 ? PGY_DTYPE_I8 : dtype == PGY_DTYPE_U4 ? PGY_DTYPE_U8 : dtype;
}

static void keep(void *data, size_t size, void *user)
{
    PX_UNUSED(data), PX_UNUSED(size), PX_UNUSED(user);
}

static void drop_tensor(void *data, size_t size, void *user)
{
    PX_UNUSED(data), PX_UNUSED(size);
    pgy_tensor_free(user);
}

pgy_status *px_tf_tensor_new(const px_tf_lib *lib, const pgy_tensor *t, int type,
                             px_tf_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *bytes = NULL;
    if (t->dtype == PGY_DTYPE_STRING || type == 0)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "A tensor of type %s cannot be given to TensorFlow: only numbers can.",
                       pgy_dtype_name(t->dtype)));
    if (stored_as(t->dtype) == t->dtype) {
        *out = lib->api.NewTensor(type, t->dims, t->rank, t->data, t->size, keep, NULL);
    } else {
        PX_TRY(pgy_tensor_cast((pgy_tensor *)(uintptr_t)t, stored_as(t->dtype), &bytes));
        *out = lib->api.NewTensor(type, t->dims, t->rank, bytes->data, bytes->size, drop_tensor,
                                  bytes);
    }
    if (*out == NULL)
        PX_TRY(px_status_nomem());
done:
    return st;
}

pgy_status *px_tf_string_new(const px_tf_lib *lib, px_str text, px_tf_tensor **out)
{
    px_tf_tensor *t = lib->api.AllocateTensor(PX_TF_STRING, NULL, 0, sizeof(px_tf_string));
    if (t == NULL)
        return px_status_nomem();
    px_tf_string *s = lib->api.TensorData(t);
    lib->api.StringInit(s);
    lib->api.StringCopy(s, text.ptr, text.len);
    *out = t;
    return NULL;
}

typedef struct tensor_owner {
    px_tf_lib *lib;
    px_tf_tensor *tensor;
} tensor_owner;

static void release_tensor(void *owner)
{
    tensor_owner *o = owner;
    o->lib->api.DeleteTensor(o->tensor);
    px_tf_lib_unref(o->lib);
    px_mem_free(o);
}

pgy_status *px_tf_tensor_take(px_tf_lib *lib, const char *name, px_tf_tensor *take_tensor,
                              pgy_tensor **out)
{
    pgy_status *st = NULL;
    tensor_owner *owner = NULL;
    pgy_tensor *t = NULL;
    int64_t dims[PX_MAX_RANK];
    size_t size = 0;
    const int type = lib->api.TensorType(take_tensor), rank = lib->api.NumDims(take_tensor);
    const pgy_dtype dtype = px_tf_dtype_of(type), stored = stored_as(dtype);

    if (dtype == PGY_DTYPE_UNKNOWN || rank < 0 || rank > PX_MAX_RANK)
        PX_TRY(PX_FAIL(PGY_ERR_UNSUPPORTED,
                       "The output '%s' is of type %s with %d dimensions; only numbers can be "
                       "fetched and compared.",
                       name, px_tf_type_name(type), rank));
    for (int i = 0; i < rank; i++)
        dims[i] = lib->api.Dim(take_tensor, i);
    if (!px_shape_size(stored, rank, dims, &size) || size != lib->api.TensorByteSize(take_tensor))
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                       "TensorFlow returned %zu bytes for the output '%s', whose shape needs %zu.",
                       lib->api.TensorByteSize(take_tensor), name, size));
    PX_TRY(PX_ALLOC(owner, 1));
    *owner = (tensor_owner){.lib = lib, .tensor = take_tensor};
    void *data = lib->api.TensorData(take_tensor);
    if (data == NULL) /* a tensor without elements; ours always point somewhere */
        data = owner;
    PX_TRY(pgy_tensor_wrap(stored, rank, dims, data, release_tensor, owner, &t));
    owner = NULL;
    take_tensor = NULL;
    px_tf_lib_ref(lib);
    PX_TRY(pgy_tensor_cast(t, dtype, out));
done:
    pgy_tensor_free(t);
    px_mem_free(owner);
    if (take_tensor != NULL)
        lib->api.DeleteTensor(take_tensor);
    return st;
}
