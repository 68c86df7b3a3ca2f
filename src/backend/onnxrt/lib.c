/* backend/onnxrt/lib.c - loading ONNX Runtime and talking to it about errors and messages. */
#include "backend/onnxrt/lib.h"

#include "base/dl.h"
#include "base/log.h"

/* Releases this file's table was checked with; others get a note. */
enum { TESTED_MIN = 17, TESTED_MAX = 32 };

/* The library whose call runs on this thread. The runtime has one environment, with one logger, per
 * process and may keep it longer than the library object that created it; so that logger gets no
 * pointer and asks here instead. */
static _Thread_local px_onnxrt_lib *calling;

int px_onnxrt_api_version_of(const char *release)
{
    int minor = 0;
    if (release[0] != '1' || release[1] != '.' || release[2] < '0' || release[2] > '9')
        return -1;
    for (const char *p = release + 2; *p >= '0' && *p <= '9' && minor < 10000; p++)
        minor = minor * 10 + (*p - '0');
    return minor;
}

/* ONNX Runtime is chatty below warnings: its notes are shown two levels deeper than ours. */
static int severity_of(px_ort_severity severity)
{
    switch (severity) {
    case PX_ORT_LOG_VERBOSE:
        return PGY_LOG_ULTRA_VERBOSE;
    case PX_ORT_LOG_INFO:
        return PGY_LOG_SUPER_VERBOSE;
    case PX_ORT_LOG_WARNING:
        return PGY_LOG_WARNING;
    case PX_ORT_LOG_ERROR:
        return PGY_LOG_ERROR;
    case PX_ORT_LOG_FATAL:
        return PGY_LOG_CRITICAL;
    }
    return PGY_LOG_WARNING;
}

static px_ort_severity lowest_severity(const pgy_context *cx)
{
    if (px_log_enabled(cx, PGY_LOG_ULTRA_VERBOSE, PX_AT_ONNXRT))
        return PX_ORT_LOG_VERBOSE;
    if (px_log_enabled(cx, PGY_LOG_SUPER_VERBOSE, PX_AT_ONNXRT))
        return PX_ORT_LOG_INFO;
    return PX_ORT_LOG_WARNING;
}

void px_onnxrt_on_message(void *user, px_ort_severity severity, const char *category,
                          const char *log_id, const char *code_location, const char *message)
{
    px_onnxrt_lib *lib = user != NULL ? user : calling;
    if (lib == NULL)
        return;
    pthread_mutex_lock(&lib->lock);
    if (severity == PX_ORT_LOG_ERROR) {
        px_buf_puts(&lib->held, message);
        px_buf_putc(&lib->held, '\0');
    } else if (lib->cx != NULL) {
        px_log(lib->cx, severity_of(severity), PX_AT_ONNXRT, "ONNX Runtime: %s", message);
    }
    pthread_mutex_unlock(&lib->lock);
}

void px_onnxrt_calling(px_onnxrt_lib *lib)
{
    calling = lib;
}

/* Shows the held error messages that `text` (may be NULL) does not contain. */
static void show_held(px_onnxrt_lib *lib, const char *text)
{
    pthread_mutex_lock(&lib->lock);
    for (size_t at = 0; at < lib->held.len; at += strlen(lib->held.ptr + at) + 1) {
        const char *message = lib->held.ptr + at;
        if (lib->cx != NULL && (text == NULL || strstr(text, message) == NULL))
            px_log(lib->cx, PGY_LOG_ERROR, PX_AT_ONNXRT, "ONNX Runtime: %s", message);
    }
    px_buf_fini(&lib->held);
    pthread_mutex_unlock(&lib->lock);
}

pgy_status *px_onnxrt_check(px_onnxrt_lib *lib, px_ort_status *status)
{
    pgy_status *st = NULL;
    const char *text = status != NULL ? lib->api->GetErrorMessage(status) : NULL;
    show_held(lib, text);
    if (status != NULL) {
        const px_str words = px_str_trim(px_str_of(text));
        st = PX_FAIL(PGY_ERR_BACKEND, "ONNX Runtime reports: %.*s", PX_STR_ARG(words));
        lib->api->ReleaseStatus(status);
    }
    return st;
}

pgy_status *px_onnxrt_providers(px_onnxrt_lib *lib, char ***out, int *out_n)
{
    return px_onnxrt_check(lib, lib->api->GetAvailableProviders(out, out_n));
}

void px_onnxrt_providers_free(px_onnxrt_lib *lib, char **names, int n)
{
    if (names != NULL)
        pgy_status_free(px_onnxrt_check(lib, lib->api->ReleaseAvailableProviders(names, n)));
}

/* Loads one file, or one name by the loader's rules, into `lib`. */
static pgy_status *load_from(void *user, const char *path, px_found_by by)
{
    px_onnxrt_lib *const lib = user;
    pgy_status *st = NULL;
    px_dl dl = {0};
    px_ort_get_api_base_fn get_base = NULL;

    PX_TRY(px_dl_open(path, false, &dl));
    PX_TRY(px_dl_bind(&dl, "OrtGetApiBase", &get_base, sizeof get_base));
    pgy_status_free(px_dl_bind(&dl, "OrtSessionOptionsAppendExecutionProvider_CPU",
                               &lib->append_cpu, sizeof lib->append_cpu));
    const px_ort_api_base *base = get_base();
    const char *release = base->GetVersionString();
    const int offered = px_onnxrt_api_version_of(release);
    if (offered < PX_ORT_API_MIN)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "%s is ONNX Runtime %s; 1.%d or newer is needed.", path,
                       release, PX_ORT_API_MIN));
    lib->api_version = PX_MIN(offered, PX_ORT_API_MAX);
    lib->api = base->GetApi((uint32_t)lib->api_version);
    if (lib->api == NULL)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "%s is ONNX Runtime %s but has no interface version %d.",
                       path, release, lib->api_version));
    px_mem_free(lib->version);
    px_mem_free(lib->path);
    lib->version = px_mem_strdup(release);
    lib->path = px_mem_strdup(path);
    if (lib->version == NULL || lib->path == NULL)
        PX_TRY(px_status_nomem());
    lib->found_by = by;
    dl.handle = NULL; /* stays loaded, see the header */
done:
    px_dl_close(&dl);
    return st;
}

pgy_status *px_onnxrt_lib_open(pgy_context *cx, px_onnxrt_lib **out)
{
    pgy_status *st = NULL;
    px_onnxrt_lib *lib = NULL;

    PX_TRY(PX_ALLOC(lib, 1));
    atomic_init(&lib->n_refs, 1);
    pthread_mutex_init(&lib->lock, NULL);
    lib->cx = cx;
    /* The runtime reads this when it is loaded. Ours is the only answer: nothing is sent. */
    if (setenv("ORT_DISABLE_TELEMETRY", "1", 1) != 0)
        PX_TRY(px_status_nomem());
    PX_TRY(px_runtime_load(px_runtime_find("onnxrt"), load_from, lib));
    px_log(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_ONNXRT,
           "Loaded ONNX Runtime %s (interface version %d) from %s", lib->version, lib->api_version,
           lib->path);
    const int release = px_onnxrt_api_version_of(lib->version);
    if (release < TESTED_MIN || release > TESTED_MAX)
        px_log_once(cx, PGY_LOG_WARNING, PX_AT_ONNXRT,
                    "ONNX Runtime %s (%s) is outside the tested range 1.%d to 1.%d.", lib->version,
                    lib->path, TESTED_MIN, TESTED_MAX);
    px_onnxrt_calling(lib);
    PX_TRY(px_onnxrt_check(lib, lib->api->CreateEnvWithCustomLogger(px_onnxrt_on_message, NULL,
                                                                    lowest_severity(cx),
                                                                    "polygraphy", &lib->env)));
    *out = lib;
    lib = NULL;
done:
    px_onnxrt_calling(NULL);
    px_onnxrt_lib_close(lib);
    return px_status_while(st, "loading ONNX Runtime");
}

px_onnxrt_lib *px_onnxrt_lib_ref(px_onnxrt_lib *lib)
{
    atomic_fetch_add(&lib->n_refs, 1);
    return lib;
}

void px_onnxrt_lib_unref(px_onnxrt_lib *lib)
{
    if (lib == NULL || atomic_fetch_sub(&lib->n_refs, 1) != 1)
        return;
    if (lib->env != NULL)
        lib->api->ReleaseEnv(lib->env);
    pthread_mutex_destroy(&lib->lock);
    px_buf_fini(&lib->held);
    px_mem_free(lib->version);
    px_mem_free(lib->path);
    px_mem_free(lib);
}

void px_onnxrt_lib_close(px_onnxrt_lib *lib)
{
    if (lib == NULL)
        return;
    pthread_mutex_lock(&lib->lock);
    lib->cx = NULL;
    pthread_mutex_unlock(&lib->lock);
    px_onnxrt_lib_unref(lib);
}
