/* backend/tf/abi.h - what this program knows about TensorFlow's C interface.
 *
 * Plain functions, stable since release 2.5 (string tensors took their present form in 2.4). Read
 * off the library of release 2.21.0. All handles are opaque but the buffer, the output and the
 * string, which callers hold themselves.
 */
#ifndef PX_BACKEND_TF_ABI_H
#define PX_BACKEND_TF_ABI_H

#include <stddef.h>
#include <stdint.h>

typedef struct px_tf_status px_tf_status;
typedef struct px_tf_graph px_tf_graph;
typedef struct px_tf_import px_tf_import; /* options of an import */
typedef struct px_tf_options px_tf_options;
typedef struct px_tf_run px_tf_run; /* a session of the runtime */
typedef struct px_tf_node px_tf_node;
typedef struct px_tf_builder px_tf_builder; /* a node that is being made */
typedef struct px_tf_tensor px_tf_tensor;
typedef struct px_tf_function px_tf_function;

typedef struct px_tf_buffer {
    const void *data;
    size_t length;
    void (*release)(void *data, size_t length);
} px_tf_buffer;

/* An output of a node. */
typedef struct px_tf_port {
    px_tf_node *node;
    int index;
} px_tf_port;

/* A string inside a tensor. */
typedef struct px_tf_string {
    uint64_t words[3];
} px_tf_string;

/* Element types. */
enum {
    PX_TF_FLOAT = 1,
    PX_TF_DOUBLE = 2,
    PX_TF_INT32 = 3,
    PX_TF_UINT8 = 4,
    PX_TF_INT16 = 5,
    PX_TF_INT8 = 6,
    PX_TF_STRING = 7,
    PX_TF_COMPLEX64 = 8,
    PX_TF_INT64 = 9,
    PX_TF_BOOL = 10,
    PX_TF_QINT8 = 11,
    PX_TF_QUINT8 = 12,
    PX_TF_QINT32 = 13,
    PX_TF_BFLOAT16 = 14,
    PX_TF_QINT16 = 15,
    PX_TF_QUINT16 = 16,
    PX_TF_UINT16 = 17,
    PX_TF_COMPLEX128 = 18,
    PX_TF_HALF = 19,
    PX_TF_RESOURCE = 20,
    PX_TF_VARIANT = 21,
    PX_TF_UINT32 = 22,
    PX_TF_UINT64 = 23,
    PX_TF_FLOAT8_E5M2 = 24,
    PX_TF_FLOAT8_E4M3FN = 25,
    PX_TF_INT4 = 29,
    PX_TF_UINT4 = 30,
    PX_TF_REF = 100 /* added to the type of what a variable of the old kind gives */
};

/* Status codes. */
enum { PX_TF_OK = 0 };

typedef void (*px_tf_release_fn)(void *data, size_t size, void *user);

/* X(result, name without TF_, arguments) */
#define PX_TF_SYMBOLS(X)                                                                           \
    X(const char *, Version, (void))                                                               \
    X(px_tf_status *, NewStatus, (void))                                                           \
    X(void, DeleteStatus, (px_tf_status *))                                                        \
    X(int, GetCode, (const px_tf_status *))                                                        \
    X(const char *, Message, (const px_tf_status *))                                               \
    X(px_tf_buffer *, NewBuffer, (void))                                                           \
    X(void, DeleteBuffer, (px_tf_buffer *))                                                        \
    X(px_tf_graph *, NewGraph, (void))                                                             \
    X(void, DeleteGraph, (px_tf_graph *))                                                          \
    X(px_tf_import *, NewImportGraphDefOptions, (void))                                            \
    X(void, DeleteImportGraphDefOptions, (px_tf_import *))                                         \
    X(void, GraphImportGraphDef,                                                                   \
      (px_tf_graph *, const px_tf_buffer *, const px_tf_import *, px_tf_status *))                 \
    X(void, GraphToGraphDef, (px_tf_graph *, px_tf_buffer *, px_tf_status *))                      \
    X(px_tf_options *, NewSessionOptions, (void))                                                  \
    X(void, DeleteSessionOptions, (px_tf_options *))                                               \
    X(void, SetConfig, (px_tf_options *, const void *, size_t, px_tf_status *))                    \
    X(px_tf_run *, NewSession, (px_tf_graph *, const px_tf_options *, px_tf_status *))             \
    X(px_tf_run *, LoadSessionFromSavedModel,                                                      \
      (const px_tf_options *, const px_tf_buffer *, const char *, const char *const *, int,        \
       px_tf_graph *, px_tf_buffer *, px_tf_status *))                                             \
    X(void, CloseSession, (px_tf_run *, px_tf_status *))                                           \
    X(void, DeleteSession, (px_tf_run *, px_tf_status *))                                          \
    X(void, SessionRun,                                                                            \
      (px_tf_run *, const px_tf_buffer *, const px_tf_port *, px_tf_tensor *const *, int,          \
       const px_tf_port *, px_tf_tensor **, int, const px_tf_node *const *, int, px_tf_buffer *,   \
       px_tf_status *))                                                                            \
    X(px_tf_node *, GraphNextOperation, (px_tf_graph *, size_t *))                                 \
    X(px_tf_node *, GraphOperationByName, (px_tf_graph *, const char *))                           \
    X(int, GraphGetTensorNumDims, (px_tf_graph *, px_tf_port, px_tf_status *))                     \
    X(void, GraphGetTensorShape, (px_tf_graph *, px_tf_port, int64_t *, int, px_tf_status *))      \
    X(void, GraphSetTensorShape,                                                                   \
      (px_tf_graph *, px_tf_port, const int64_t *, int, px_tf_status *))                           \
    X(px_tf_function *, GraphToFunction,                                                           \
      (const px_tf_graph *, const char *, unsigned char, int, const px_tf_node *const *, int,      \
       const px_tf_port *, int, const px_tf_port *, const char *const *, const void *,             \
       const char *, px_tf_status *))                                                              \
    X(void, GraphCopyFunction,                                                                     \
      (px_tf_graph *, const px_tf_function *, const px_tf_function *, px_tf_status *))             \
    X(void, DeleteFunction, (px_tf_function *))                                                    \
    X(const char *, OperationName, (px_tf_node *))                                                 \
    X(const char *, OperationOpType, (px_tf_node *))                                               \
    X(int, OperationNumOutputs, (px_tf_node *))                                                    \
    X(int, OperationOutputType, (px_tf_port))                                                      \
    X(int, OperationOutputNumConsumers, (px_tf_port))                                              \
    X(int, OperationNumControlOutputs, (px_tf_node *))                                             \
    X(int, OperationNumInputs, (px_tf_node *))                                                     \
    X(px_tf_port, OperationInput, (px_tf_port))                                                    \
    X(px_tf_builder *, NewOperation, (px_tf_graph *, const char *, const char *))                  \
    X(void, AddInput, (px_tf_builder *, px_tf_port))                                               \
    X(void, AddInputList, (px_tf_builder *, const px_tf_port *, int))                              \
    X(void, SetAttrString, (px_tf_builder *, const char *, const void *, size_t))                  \
    X(void, SetAttrInt, (px_tf_builder *, const char *, int64_t))                                  \
    X(void, SetAttrIntList, (px_tf_builder *, const char *, const int64_t *, int))                 \
    X(void, SetAttrFloat, (px_tf_builder *, const char *, float))                                  \
    X(void, SetAttrBool, (px_tf_builder *, const char *, unsigned char))                           \
    X(void, SetAttrType, (px_tf_builder *, const char *, int))                                     \
    X(void, SetAttrShape, (px_tf_builder *, const char *, const int64_t *, int))                   \
    X(void, SetAttrShapeList,                                                                      \
      (px_tf_builder *, const char *, const int64_t *const *, const int *, int))                   \
    X(void, SetAttrFuncName, (px_tf_builder *, const char *, const char *, size_t))                \
    X(void, SetAttrTensor, (px_tf_builder *, const char *, px_tf_tensor *, px_tf_status *))        \
    X(px_tf_node *, FinishOperation, (px_tf_builder *, px_tf_status *))                            \
    X(px_tf_tensor *, NewTensor,                                                                   \
      (int, const int64_t *, int, void *, size_t, px_tf_release_fn, void *))                       \
    X(px_tf_tensor *, AllocateTensor, (int, const int64_t *, int, size_t))                         \
    X(void, DeleteTensor, (px_tf_tensor *))                                                        \
    X(int, TensorType, (const px_tf_tensor *))                                                     \
    X(int, NumDims, (const px_tf_tensor *))                                                        \
    X(int64_t, Dim, (const px_tf_tensor *, int))                                                   \
    X(size_t, TensorByteSize, (const px_tf_tensor *))                                              \
    X(void *, TensorData, (const px_tf_tensor *))                                                  \
    X(void, StringInit, (px_tf_string *))                                                          \
    X(void, StringCopy, (px_tf_string *, const char *, size_t))

typedef struct px_tf_api {
#define PX_TF_MEMBER(result, name, args) result(*name) args;
    PX_TF_SYMBOLS(PX_TF_MEMBER)
#undef PX_TF_MEMBER
} px_tf_api;

#endif
