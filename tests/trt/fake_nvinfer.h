/* tests/trt/fake_nvinfer.h - what the files of the stand-in for libnvinfer share; see
 * fake_nvinfer.c. */
#ifndef FAKE_NVINFER_H
#define FAKE_NVINFER_H

#include "backend/trt/abi.h"

#include <stdint.h>
#include <stdio.h>

/* A public object and its implementation. `data` is whatever the functions make of it. */
typedef struct impl {
    const px_trt_fn *vptr;
    int64_t data[24];
    void *pointer;
    char name[32];
} impl;
typedef struct object {
    const px_trt_fn *vptr;
    impl *impl;
    impl body;
} object;

/* --- frame: fake_nvinfer.c --- */

extern px_trt_abi fake_abi; /* of the version that is played */
extern FILE *fake_out;      /* where calls are written */
extern void *fake_logger;
extern int fake_n_alive; /* objects */

const px_trt_fn *fake_slots_of(const char *interface);
/* A slot's function, where the version has the slot. */
void fake_put(px_trt_method method, px_trt_fn fn);
#define PUT(method, fn) fake_put(PX_TRT_##method, (px_trt_fn)(fn))
object *fake_init(object *o, const char *interface, const char *name);
object *fake_new_object(const char *interface);
/* A line of the file. */
void fake_note(const char *what, long long a, long long b);
/* FAKE_TRT_FAIL names this method: an error was logged. */
bool fake_fails(const char *method);

/* --- the one network, and the parsers: fake_network.c --- */

enum { X, H, Y, S };
extern object fake_tensors[4], fake_layers[2];
extern bool fake_is_output[4];
extern bool fake_is_implicit; /* tensors have no batch dimension */
extern int32_t fake_max_batch;
bool fake_has_shape_tensor(void);
const char *fake_name_of(impl *self);
int32_t fake_type_named(const char *name);
int32_t fake_one(impl *self);
void fake_fill_network(void);

/* --- configuration, profiles, builder: fake_build.c --- */

extern const char fake_plan[25];
void *fake_config_new(impl *self);
void *fake_network_new(impl *self, uint32_t flags);
void fake_fill_config(void);

/* --- runtime, engine, context: fake_run.c --- */

void fake_fill_runtime(void);

#endif
