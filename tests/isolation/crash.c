#include "crash.h"

#include "base/px.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

crash_kind crash_how;
crash_at crash_when;

typedef struct session {
    const pgy_io *inputs;
    size_t n_inputs;
    int n_done;
} session;

static volatile char *volatile nowhere;

/* A sanitizer would end the child in its own way. */
__attribute__((no_sanitize("undefined"))) static pgy_status *go_wrong(void)
{
    fprintf(stderr, "about to go wrong\n");
    switch (crash_how) {
    case CRASH_NOT:
        break;
    case CRASH_ABORT:
        abort();
    case CRASH_ADDRESS_0:
        *nowhere = 1;
        break;
    case CRASH_ALLOCATE:
        for (;;) {
            char *block = malloc(1 << 20);
            if (block != NULL)
                for (size_t i = 0; i < 1 << 20; i += 4096)
                    ((volatile char *)block)[i] = 1;
        }
    case CRASH_SLEEP:
        for (;;)
            sleep(1000);
    case CRASH_EXIT:
        _exit(3);
    case CRASH_ERROR:
        return PX_FAIL(PGY_ERR_BACKEND, "the runtime said no");
    }
    return NULL;
}

static pgy_status *load(pgy_context *cx, const void *args, void **out_lib)
{
    *out_lib = NULL;
    return crash_when == CRASH_AT_LOAD ? go_wrong() : NULL;
}

static pgy_status *open_model(pgy_context *cx, void *lib, pgy_model *model, const void *args,
                              void **out_session)
{
    pgy_status *st = NULL;
    session *s = NULL;
    if (crash_when == CRASH_AT_OPEN)
        PX_TRY(go_wrong());
    PX_TRY(PX_ALLOC(s, 1));
    PX_TRY(pgy_model_inputs(model, &s->inputs, &s->n_inputs));
    *out_session = s;
    s = NULL;
done:
    px_mem_free(s);
    return st;
}

static pgy_status *inputs(void *opened, const pgy_io **out, size_t *out_n)
{
    const session *s = opened;
    *out = s->inputs;
    *out_n = s->n_inputs;
    return NULL;
}

static pgy_status *infer(void *opened, const pgy_feed *in, pgy_outputs *out)
{
    pgy_status *st = NULL;
    session *s = opened;
    if (crash_when == CRASH_AT_INFER && s->n_done++ == 1)
        PX_TRY(go_wrong());
    for (size_t i = 0; i < in->n; i++)
        PX_TRY(pgy_outputs_add(out, "y", pgy_tensor_ref(in->tensors[i])));
done:
    return st;
}

static void close_session(void *opened)
{
    px_mem_free(opened);
}

const pgy_backend_ops crash_ops = {
    .struct_size = sizeof(pgy_backend_ops),
    .name = "onnxrt",
    .title = "Crasher",
    .load = load,
    .open = open_model,
    .inputs = inputs,
    .infer = infer,
    .close = close_session,
};
