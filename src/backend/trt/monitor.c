/* backend/trt/monitor.c - how far a build is, for the context's progress.
 *
 * TensorRT tells of phases within phases, each of a number of steps, from several of its threads.
 * The phase that moved last is shown: the others wait for it, or work beside it.
 */
#include "backend/trt/build.h"

#include "base/progress.h"

enum { MAX_PHASES = 16, NAME = 64 };

typedef struct phase {
    char name[NAME]; /* empty: free */
    int32_t n_steps;
} phase;

struct px_trt_monitor {
    const void *vptr; /* first word, as C++ has it */
    px_trt_vtable vtable;
    px_trt_lib *lib; /* its lock is ours, too: messages and progress share a terminal */
    phase phases[MAX_PHASES];
};

static phase *find(px_trt_monitor *m, const char *name)
{
    for (size_t i = 0; i < MAX_PHASES; i++)
        if (strncmp(m->phases[i].name, name, NAME - 1) == 0)
            return &m->phases[i];
    return NULL;
}

static void phase_start(void *self, const char *name, const char *parent, int32_t n_steps)
{
    px_trt_monitor *m = self;
    PX_UNUSED(parent);
    pthread_mutex_lock(&m->lib->lock);
    phase *p = find(m, ""); /* none is free: then it is not shown */
    if (p != NULL) {
        memcpy(p->name, name, PX_MIN(strlen(name), (size_t)NAME - 1)); /* the rest is zero */
        p->n_steps = n_steps;
    }
    pthread_mutex_unlock(&m->lib->lock);
}

/* False would end the build. */
static bool step_complete(void *self, const char *name, int32_t step)
{
    px_trt_monitor *m = self;
    pthread_mutex_lock(&m->lib->lock);
    const phase *p = find(m, name);
    if (p != NULL)
        px_progress(m->lib->cx, p->name, (uint64_t)PX_MAX(step, 0) + 1,
                    (uint64_t)PX_MAX(p->n_steps, 0));
    pthread_mutex_unlock(&m->lib->lock);
    return true;
}

static void phase_finish(void *self, const char *name)
{
    px_trt_monitor *m = self;
    pthread_mutex_lock(&m->lib->lock);
    phase *p = find(m, name);
    if (p != NULL) {
        px_progress_end(m->lib->cx, p->name);
        *p = (phase){0};
    }
    pthread_mutex_unlock(&m->lib->lock);
}

static px_trt_interface_info monitor_info(void *self)
{
    PX_UNUSED(self);
    return (px_trt_interface_info){"IProgressMonitor", 1, 0};
}

pgy_status *px_trt_monitor_attach(px_trt_build *b)
{
    pgy_status *st = NULL;
    px_trt_monitor *m = NULL;
    const px_trt_callback callbacks[] = {
        {PX_TRT_PROGRESS_MONITOR_PHASE_START, (px_trt_fn)phase_start},
        {PX_TRT_PROGRESS_MONITOR_STEP_COMPLETE, (px_trt_fn)step_complete},
        {PX_TRT_PROGRESS_MONITOR_PHASE_FINISH, (px_trt_fn)phase_finish},
        {PX_TRT_PROGRESS_MONITOR_GET_INTERFACE_INFO, (px_trt_fn)monitor_info},
    };
    if (!px_progress_is_on(b->cx) || !px_trt_has(&b->lib->abi, PX_TRT_CONFIG_SET_PROGRESS_MONITOR))
        return NULL;
    PX_TRY(PX_ALLOC(m, 1));
    m->lib = b->lib;
    px_trt_vtable_init(&m->vtable, &b->lib->abi, "IProgressMonitor", callbacks,
                       PX_COUNTOF(callbacks));
    m->vptr = m->vtable.slots;
    px_trt_config_set_progress_monitor(&b->lib->abi, b->config, m);
    b->monitor = m;
done:
    return st;
}

void px_trt_monitor_free(px_trt_monitor *m)
{
    for (size_t i = 0; m != NULL && i < MAX_PHASES; i++)
        if (m->phases[i].name[0] != '\0') /* a build that failed finishes no phase */
            px_progress_end(m->lib->cx, m->phases[i].name);
    px_mem_free(m);
}
