/* backend/trt/abi.h - how TensorRT's C++ objects are called from C.
 *
 * An object that TensorRT hands out ("public") is two words: a vtable with two destructors, and the
 * implementation, whose vtable holds the functions and which is their first argument. Parsers are
 * their own implementation ("direct"). Which slot a function has depends on the version; abi.json
 * has the facts, methods.h, calls.h and tables.c are written from it. A slot that a version lacks
 * is never read: the typed calls of calls.h then do nothing and return zero, px_trt_has tells
 * beforehand.
 *
 * Calling convention: System V x86-64, which plain C prototypes follow. References are pointers,
 * bool is one byte, enumerations are int32.
 */
#ifndef PX_BACKEND_TRT_ABI_H
#define PX_BACKEND_TRT_ABI_H

#include "backend/trt/methods.h"
#include "base/px.h"

#include <assert.h>

enum {
    PX_TRT_MAX_RANGES = 4,
    PX_TRT_MAX_DIMS = 8,
    PX_TRT_VERSION_MIN = 80601, /* major * 10000 + minor * 100 + patch */
    PX_TRT_VERSION_MAX = 110499 /* newest one looked at */
};

/* Extents: 64 bits since 10.0, 32 bits before. */
typedef struct px_trt_dims {
    int32_t n; /* negative: the rank is not known, or the call failed */
    int64_t d[PX_TRT_MAX_DIMS];
} px_trt_dims;
typedef struct px_trt_dims32 {
    int32_t n, d[PX_TRT_MAX_DIMS];
} px_trt_dims32;
static_assert(sizeof(px_trt_dims) == 72, "layout of nvinfer1::Dims64");
static_assert(sizeof(px_trt_dims32) == 36, "layout of nvinfer1::Dims32");

/* `value` holds from version `first` to version `last`. */
typedef struct px_trt_range {
    int32_t first, last, value;
} px_trt_range;

typedef struct px_trt_method_row {
    const char *interface, *method;
    int32_t rtx; /* slot in TensorRT-RTX 1; -1: it has none */
    px_trt_range slots[PX_TRT_MAX_RANGES];
} px_trt_method_row;
extern const px_trt_method_row px_trt_methods[PX_TRT_METHOD_COUNT];

typedef struct px_trt_enum_row {
    const char *enumeration, *name;
    int32_t rtx;
    px_trt_range values[PX_TRT_MAX_RANGES];
} px_trt_enum_row;
extern const px_trt_enum_row px_trt_enums[];
extern const size_t px_trt_n_enums;

/* The interface of one loaded library. */
typedef struct px_trt_abi {
    int major, minor, patch;
    bool is_rtx;
    bool has_dims32;                    /* extents are 32 bits wide */
    char name[48];                      /* "TensorRT 10.6.0", "TensorRT-RTX 1.7.1": for messages */
    int16_t slots[PX_TRT_METHOD_COUNT]; /* -1: this version has no such function */
} px_trt_abi;

/* From the number that getInferLibVersion gives. Errors: BACKEND for a version outside 8.6 to 11.x
 * and RTX 1.x. `*out_is_tested` is false for a newer minor version than any that was looked at; it
 * is called like the newest one of its major version. */
PX_MUST_USE pgy_status *px_trt_abi_init(px_trt_abi *out, int32_t lib_version, bool is_rtx,
                                        bool *out_is_tested);
static inline bool px_trt_has(const px_trt_abi *abi, px_trt_method method)
{
    return abi->slots[method] >= 0;
}

/* Value of an enumerator ("BuilderFlag", "FP16"; case ignored); -1 when this version lacks it. */
int32_t px_trt_enum(const px_trt_abi *abi, const char *enumeration, px_str name);
/* Name of a value, or NULL. */
const char *px_trt_enum_name(const px_trt_abi *abi, const char *enumeration, int32_t value);
/* "A, B, C": all names that this version has. */
void px_trt_enum_print_names(const px_trt_abi *abi, const char *enumeration, px_buf *out);

px_trt_dims px_trt_dims_widen(px_trt_dims32 dims);
px_trt_dims32 px_trt_dims_narrow(const px_trt_dims *dims);
/* `dims` behind a batch. */
px_trt_dims px_trt_batch_dims(const px_trt_dims *dims, int64_t batch);
/* "[1, -1, 3]". */
void px_trt_dims_print(px_buf *b, const px_trt_dims *dims);

/* A function and the object that it is called with; fn NULL when the version lacks it. */
typedef void (*px_trt_fn)(void);
typedef struct px_trt_callee {
    px_trt_fn fn;
    void *self;
} px_trt_callee;
px_trt_callee px_trt_callee_of(const px_trt_abi *abi, px_trt_method method, void *object,
                               bool is_public);
/* `delete` of a public object; accepts NULL. */
void px_trt_delete(void *object);

/* --- objects that we implement ---
 *
 * The first word of such an object points at the first slot of a vtable. The two words before it
 * (offset to top, type information) are zero. */
enum { PX_TRT_MAX_CALLBACKS = 16 };
typedef struct px_trt_vtable {
    ptrdiff_t offset_to_top;
    const void *type_info;
    px_trt_fn slots[PX_TRT_MAX_CALLBACKS];
} px_trt_vtable;
typedef struct px_trt_callback {
    px_trt_method method;
    px_trt_fn fn;
} px_trt_callback;
/* What getInterfaceInfo returns, in two registers. */
typedef struct px_trt_interface_info {
    const char *kind;
    int32_t major, minor;
} px_trt_interface_info;
static_assert(sizeof(px_trt_interface_info) == 16, "layout of nvinfer1::InterfaceInfo");

/* Puts each function into the slot that it has in this version; those that the version lacks are
 * left out. Destructors and the language come of themselves. */
void px_trt_vtable_init(px_trt_vtable *out, const px_trt_abi *abi, const char *interface,
                        const px_trt_callback *callbacks, size_t n);

#endif
