/* base/tensor.c - tensors: shapes, views and their owners. */
#include "base/tensor.h"

typedef struct dtype_info {
    const char *name;      /* the reference's */
    const char *onnx_name; /* ONNX Runtime's and TensorProto's, where it differs */
    int bits;
} dtype_info;

static const dtype_info infos[PGY_DTYPE_COUNT] = {
    [PGY_DTYPE_UNKNOWN] = {"unknown", NULL, 0},
    [PGY_DTYPE_F32] = {"float32", "float", 32},
    [PGY_DTYPE_U8] = {"uint8", NULL, 8},
    [PGY_DTYPE_I8] = {"int8", NULL, 8},
    [PGY_DTYPE_U16] = {"uint16", NULL, 16},
    [PGY_DTYPE_I16] = {"int16", NULL, 16},
    [PGY_DTYPE_I32] = {"int32", NULL, 32},
    [PGY_DTYPE_I64] = {"int64", NULL, 64},
    [PGY_DTYPE_STRING] = {"string", "str", 8 * (int)sizeof(pgy_string)},
    [PGY_DTYPE_BOOL] = {"bool", NULL, 8},
    [PGY_DTYPE_F16] = {"float16", "half", 16},
    [PGY_DTYPE_F64] = {"float64", "double", 64},
    [PGY_DTYPE_U32] = {"uint32", NULL, 32},
    [PGY_DTYPE_U64] = {"uint64", NULL, 64},
    [PGY_DTYPE_C64] = {"complex64", NULL, 64},
    [PGY_DTYPE_C128] = {"complex128", NULL, 128},
    [PGY_DTYPE_BF16] = {"bfloat16", NULL, 16},
    [PGY_DTYPE_F8E4M3FN] = {"float8e4m3fn", NULL, 8},
    [PGY_DTYPE_F8E4M3FNUZ] = {"float8e4m3fnuz", NULL, 8},
    [PGY_DTYPE_F8E5M2] = {"float8e5m2", NULL, 8},
    [PGY_DTYPE_F8E5M2FNUZ] = {"float8e5m2fnuz", NULL, 8},
    [PGY_DTYPE_U4] = {"uint4", NULL, 4},
    [PGY_DTYPE_I4] = {"int4", NULL, 4},
    [PGY_DTYPE_F4E2M1] = {"float4", "float4e2m1", 4},
    [PGY_DTYPE_F8E8M0] = {"float8e8m0", NULL, 8},
    [PGY_DTYPE_U2] = {"uint2", NULL, 2},
    [PGY_DTYPE_I2] = {"int2", NULL, 2},
};

static const dtype_info *info_of(pgy_dtype dtype)
{
    return &infos[(unsigned)dtype < PGY_DTYPE_COUNT ? dtype : PGY_DTYPE_UNKNOWN];
}

const char *pgy_dtype_name(pgy_dtype dtype)
{
    return info_of(dtype)->name;
}

int pgy_dtype_bits(pgy_dtype dtype)
{
    return info_of(dtype)->bits;
}

pgy_dtype px_dtype_from_name(px_str name)
{
    for (int i = 1; i < PGY_DTYPE_COUNT; i++)
        if (px_str_is(name, infos[i].name) ||
            (infos[i].onnx_name != NULL && px_str_is(name, infos[i].onnx_name)))
            return (pgy_dtype)i;
    return PGY_DTYPE_UNKNOWN;
}

bool px_dtype_is_float(pgy_dtype dtype)
{
    switch (dtype) {
    case PGY_DTYPE_F32:
    case PGY_DTYPE_F16:
    case PGY_DTYPE_F64:
    case PGY_DTYPE_BF16:
    case PGY_DTYPE_F8E4M3FN:
    case PGY_DTYPE_F8E4M3FNUZ:
    case PGY_DTYPE_F8E5M2:
    case PGY_DTYPE_F8E5M2FNUZ:
    case PGY_DTYPE_F8E8M0:
    case PGY_DTYPE_F4E2M1:
        return true;
    default:
        return false;
    }
}

bool px_dtype_is_signed(pgy_dtype dtype)
{
    return dtype == PGY_DTYPE_I8 || dtype == PGY_DTYPE_I16 || dtype == PGY_DTYPE_I32 ||
           dtype == PGY_DTYPE_I64 || dtype == PGY_DTYPE_I4 || dtype == PGY_DTYPE_I2;
}

bool px_dtype_is_int(pgy_dtype dtype)
{
    return px_dtype_is_signed(dtype) || dtype == PGY_DTYPE_U8 || dtype == PGY_DTYPE_U16 ||
           dtype == PGY_DTYPE_U32 || dtype == PGY_DTYPE_U64 || dtype == PGY_DTYPE_U4 ||
           dtype == PGY_DTYPE_U2;
}

bool px_dtype_is_complex(pgy_dtype dtype)
{
    return dtype == PGY_DTYPE_C64 || dtype == PGY_DTYPE_C128;
}

bool px_shape_count(int rank, const int64_t *dims, int64_t *out_count)
{
    /* A zero dim makes the count 0 but must not hide an absurd one beside it. */
    int64_t count = 1, nonzero = 1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0 || (dims[i] > 0 && __builtin_mul_overflow(nonzero, dims[i], &nonzero)))
            return false;
        count = dims[i] == 0 ? 0 : count ? nonzero : 0;
    }
    *out_count = count;
    return true;
}

bool px_shape_size(pgy_dtype dtype, int rank, const int64_t *dims, size_t *out_size)
{
    int64_t count;
    size_t bits = (size_t)pgy_dtype_bits(dtype), total;
    if (bits == 0 || !px_shape_count(rank, dims, &count) ||
        !px_size_mul((size_t)count, bits, &total) || !px_size_add(total, 7, &total))
        return false;
    *out_size = total / 8;
    return *out_size <= PTRDIFF_MAX;
}

bool px_shape_eq(int rank_a, const int64_t *a, int rank_b, const int64_t *b)
{
    return rank_a == rank_b && (rank_a == 0 || memcmp(a, b, (size_t)rank_a * sizeof *a) == 0);
}

void px_shape_print(px_buf *b, int rank, const int64_t *dims)
{
    px_buf_putc(b, '(');
    for (int i = 0; i < rank; i++)
        px_buf_printf(b, "%s%lld", i ? ", " : "", (long long)dims[i]);
    px_buf_puts(b, rank == 1 ? ",)" : ")");
}

void px_shape_print_list(px_buf *b, int rank, const int64_t *dims)
{
    px_buf_putc(b, '[');
    for (int i = 0; i < rank; i++)
        px_buf_printf(b, "%s%lld", i ? ", " : "", (long long)dims[i]);
    px_buf_putc(b, ']');
}

/* The object without data. */
static pgy_status *tensor_shell(pgy_dtype dtype, int rank, const int64_t *dims, pgy_tensor **out)
{
    size_t size;
    int64_t count;
    if (rank < 0 || rank > PX_MAX_RANK)
        return PX_FAIL(PGY_ERR_USAGE, "A tensor of rank %d was asked for, at most %d is possible",
                       rank, PX_MAX_RANK);
    if (!px_shape_size(dtype, rank, dims, &size) || !px_shape_count(rank, dims, &count)) {
        px_buf shape = {0};
        px_shape_print(&shape, rank, dims);
        pgy_status *st = PX_FAIL(PGY_ERR_USAGE, "A tensor of shape %s and type %s is not possible",
                                 px_buf_cstr(&shape), pgy_dtype_name(dtype));
        px_buf_fini(&shape);
        return st;
    }
    pgy_tensor *t = px_mem_calloc(1, sizeof *t + (size_t)rank * sizeof *dims);
    if (t == NULL)
        return px_status_nomem();
    atomic_init(&t->n_refs, 1);
    t->dtype = dtype;
    t->rank = rank;
    t->count = count;
    t->size = size;
    if (rank > 0)
        memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    *out = t;
    return NULL;
}

pgy_status *px_tensor_new_raw(pgy_dtype dtype, int rank, const int64_t *dims, pgy_tensor **out)
{
    pgy_tensor *t = NULL;
    pgy_status *st = tensor_shell(dtype, rank, dims, &t);
    if (st != NULL)
        return st;
    t->data = px_mem_alloc_aligned(t->size);
    if (t->data == NULL) {
        px_mem_free(t);
        return px_status_nomem();
    }
    t->owner = t->data;
    t->release = px_mem_free;
    *out = t;
    return NULL;
}

pgy_status *pgy_tensor_new(pgy_dtype dtype, int rank, const int64_t *dims, pgy_tensor **out)
{
    pgy_tensor *t = NULL;
    pgy_status *st = px_tensor_new_raw(dtype, rank, dims, &t);
    if (st != NULL)
        return st;
    memset(t->data, 0, t->size);
    *out = t;
    return NULL;
}

pgy_status *pgy_tensor_wrap(pgy_dtype dtype, int rank, const int64_t *dims, void *data,
                            pgy_release_fn release, void *owner, pgy_tensor **out)
{
    static char nothing; /* empty tensors may come without a pointer */
    pgy_tensor *t = NULL;
    pgy_status *st = tensor_shell(dtype, rank, dims, &t);
    if (st != NULL)
        return st;
    t->data = data ? data : &nothing;
    t->release = release;
    t->owner = owner;
    *out = t;
    return NULL;
}

static void release_tensor(void *owner)
{
    pgy_tensor_free(owner);
}

pgy_status *px_tensor_view(pgy_tensor *t, pgy_dtype dtype, int rank, const int64_t *dims,
                           pgy_tensor **out)
{
    pgy_status *st = NULL;
    size_t size;
    if (!px_shape_size(dtype, rank, dims, &size) || size != t->size)
        return PX_FAIL(PGY_ERR_USAGE, "A view must have the tensor's %zu bytes", t->size);
    st = pgy_tensor_wrap(dtype, rank, dims, t->data, release_tensor, t, out);
    if (st == NULL)
        pgy_tensor_ref(t);
    return st;
}

pgy_status *pgy_tensor_reshape(pgy_tensor *t, int rank, const int64_t *dims, pgy_tensor **out)
{
    int64_t count;
    if (!px_shape_count(rank, dims, &count) || count != t->count)
        return PX_FAIL(PGY_ERR_USAGE,
                       "A tensor of %lld elements cannot get a shape of another count",
                       (long long)t->count);
    return px_tensor_view(t, t->dtype, rank, dims, out);
}

pgy_status *px_tensor_new_strings(int rank, const int64_t *dims, const pgy_string *strings,
                                  pgy_tensor **out)
{
    pgy_status *st = NULL;
    pgy_tensor *t = NULL;
    PX_TRY(tensor_shell(PGY_DTYPE_STRING, rank, dims, &t));
    /* One block: the views first, then all bytes. */
    size_t total = t->size;
    for (int64_t i = 0; i < t->count; i++)
        if (!px_size_add(total, strings[i].len, &total))
            PX_TRY(px_status_nomem());
    pgy_string *views = px_mem_alloc_aligned(total);
    if (views == NULL)
        PX_TRY(px_status_nomem());
    char *bytes = (char *)views + t->size;
    for (int64_t i = 0; i < t->count; i++) {
        views[i] = (pgy_string){bytes, strings[i].len};
        if (strings[i].len > 0)
            memcpy(bytes, strings[i].ptr, strings[i].len);
        bytes += strings[i].len;
    }
    t->data = t->owner = views;
    t->release = px_mem_free;
    *out = t;
    t = NULL;
done:
    px_mem_free(t);
    return st;
}

pgy_tensor *pgy_tensor_ref(pgy_tensor *t)
{
    if (t != NULL)
        atomic_fetch_add_explicit(&t->n_refs, 1, memory_order_relaxed);
    return t;
}

void pgy_tensor_free(pgy_tensor *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    if (t->release != NULL)
        t->release(t->owner);
    px_mem_free(t);
}

pgy_dtype pgy_tensor_dtype(const pgy_tensor *t)
{
    return t->dtype;
}

int pgy_tensor_rank(const pgy_tensor *t)
{
    return t->rank;
}

const int64_t *pgy_tensor_dims(const pgy_tensor *t)
{
    return t->dims;
}

int64_t pgy_tensor_count(const pgy_tensor *t)
{
    return t->count;
}

size_t pgy_tensor_size(const pgy_tensor *t)
{
    return t->size;
}

const void *pgy_tensor_data(const pgy_tensor *t)
{
    return t->data;
}

void *pgy_tensor_data_mut(pgy_tensor *t)
{
    return t->data;
}

pgy_status *pgy_tensor_cast(pgy_tensor *t, pgy_dtype dtype, pgy_tensor **out)
{
    if (t->dtype == dtype) {
        *out = pgy_tensor_ref(t);
        return NULL;
    }
    if (t->dtype == PGY_DTYPE_STRING || dtype == PGY_DTYPE_STRING ||
        px_dtype_is_complex(t->dtype) != px_dtype_is_complex(dtype))
        return PX_FAIL(PGY_ERR_UNSUPPORTED, "Elements of type %s cannot be converted to %s",
                       pgy_dtype_name(t->dtype), pgy_dtype_name(dtype));
    pgy_tensor *r = NULL;
    pgy_status *st = px_tensor_new_raw(dtype, t->rank, t->dims, &r);
    if (st != NULL)
        return st;
    px_convert(dtype, r->data, t->dtype, t->data, 0, t->count);
    *out = r;
    return NULL;
}

double px_tensor_get_f64(const pgy_tensor *t, int64_t i)
{
    double v = 0;
    int64_t even = i & ~(int64_t)3; /* sub-byte sources start on a byte */
    double four[4];
    if (pgy_dtype_bits(t->dtype) >= 8) {
        px_convert(PGY_DTYPE_F64, &v, t->dtype, t->data, i, 1);
        return v;
    }
    px_convert(PGY_DTYPE_F64, four, t->dtype, t->data, even, PX_MIN(4, t->count - even));
    return four[i - even];
}

int64_t px_tensor_get_i64(const pgy_tensor *t, int64_t i)
{
    int64_t v = 0, four[4], even = i & ~(int64_t)3;
    if (pgy_dtype_bits(t->dtype) >= 8) {
        px_convert(PGY_DTYPE_I64, &v, t->dtype, t->data, i, 1);
        return v;
    }
    px_convert(PGY_DTYPE_I64, four, t->dtype, t->data, even, PX_MIN(4, t->count - even));
    return four[i - even];
}
