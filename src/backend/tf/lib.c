/* backend/tf/lib.c - loading TensorFlow.
 *
 * The packages split the library: libtensorflow_cc.so.2 needs libtensorflow_framework.so.2, which
 * lies beside it and is loaded first, by its path. Functions are resolved when they are first
 * called: resolving all of them at once takes half as long again as loading the library.
 */
#include "backend/tf/lib.h"

#include "base/dl.h"
#include "base/file.h"
#include "base/log.h"

#define FRAMEWORK "libtensorflow_framework.so.2"

static const struct {
    const char *symbol;
    size_t offset;
} symbols[] = {
#define PX_TF_ROW(result, name, args) {"TF_" #name, offsetof(px_tf_api, name)},
    PX_TF_SYMBOLS(PX_TF_ROW)
#undef PX_TF_ROW
};

pgy_status *px_tf_check(const px_tf_lib *lib, px_tf_status *status)
{
    if (lib->api.GetCode(status) == PX_TF_OK)
        return NULL;
    const px_str text = px_str_trim(px_str_of(lib->api.Message(status)));
    return PX_FAIL(PGY_ERR_BACKEND, "TensorFlow reports: %.*s", PX_STR_ARG(text));
}

/* The other half of the packages' library. A library in one piece has none. */
static pgy_status *load_framework(const char *path)
{
    pgy_status *st = NULL;
    px_dl dl = {0};
    char *dir = px_path_dirname(path), *framework = dir ? px_path_join(dir, FRAMEWORK) : NULL;
    if (framework == NULL)
        PX_TRY(px_status_nomem());
    if (strchr(path, '/') != NULL && px_path_exists(framework))
        PX_TRY(px_dl_open_quick(framework, &dl));
done:
    px_mem_free(dir);
    px_mem_free(framework);
    return st;
}

static pgy_status *bind_all(px_tf_api *api, const px_dl *dl, const char *path)
{
    pgy_status *st = NULL;
    px_buf missing = {0};
    for (size_t i = 0; i < PX_COUNTOF(symbols); i++) {
        pgy_status *failed = px_dl_bind(dl, symbols[i].symbol, (char *)api + symbols[i].offset,
                                        sizeof(void (*)(void)));
        if (failed != NULL)
            px_buf_printf(&missing, "%s%s", missing.len > 0 ? ", " : "", symbols[i].symbol);
        pgy_status_free(failed);
    }
    if (missing.len > 0)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "%s lacks %s; TensorFlow 2.5 or newer is needed.", path,
                       px_buf_cstr(&missing)));
    PX_TRY(px_buf_status(&missing));
done:
    px_buf_fini(&missing);
    return st;
}

static pgy_status *load_from(void *user, const char *path, px_found_by by)
{
    px_tf_lib *const lib = user;
    pgy_status *st = NULL;
    px_dl dl = {0}; /* stays loaded, see the header */
    px_tf_api api = {0};
    PX_TRY(load_framework(path));
    PX_TRY(px_dl_open_quick(path, &dl));
    PX_TRY(bind_all(&api, &dl, path));
    lib->version = px_mem_strdup(api.Version());
    lib->path = px_mem_strdup(path);
    if (lib->version == NULL || lib->path == NULL)
        PX_TRY(px_status_nomem());
    lib->api = api;
    lib->found_by = by;
done:
    if (st != NULL) {
        px_mem_free(lib->version);
        px_mem_free(lib->path);
        lib->version = lib->path = NULL;
    }
    return st;
}

/* What the library reads from the environment while it is loaded; the user's own values stay.
 * Its notes go to stderr past our log, so they are asked for only where much is shown. */
static pgy_status *set_environment(const pgy_context *cx, const px_tf_args *args)
{
    const char *level = px_log_enabled(cx, PGY_LOG_ULTRA_VERBOSE, PX_AT_TF)   ? "0"
                        : px_log_enabled(cx, PGY_LOG_SUPER_VERBOSE, PX_AT_TF) ? "1"
                                                                              : "2";
    if (setenv("TF_CPP_MIN_LOG_LEVEL", level, 0) != 0)
        return px_status_nomem();
    /* On a CPU the session's setting alone compiles nothing. */
    if (args != NULL && args->xla.given && setenv("TF_XLA_FLAGS", "--tf_xla_cpu_global_jit", 0))
        return px_status_nomem();
    return NULL;
}

pgy_status *px_tf_lib_open(pgy_context *cx, const px_tf_args *args, px_tf_lib **out)
{
    pgy_status *st = NULL;
    px_tf_lib *lib = NULL;

    PX_TRY(PX_ALLOC(lib, 1));
    atomic_init(&lib->n_refs, 1);
    PX_TRY(set_environment(cx, args));
    PX_TRY(px_runtime_load(px_runtime_find("tf"), load_from, lib));
    px_log(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_TF, "Loaded TensorFlow %s from %s", lib->version,
           lib->path);
    *out = lib;
    lib = NULL;
done:
    px_tf_lib_unref(lib);
    return px_status_while(st, "loading TensorFlow");
}

px_tf_lib *px_tf_lib_ref(px_tf_lib *lib)
{
    atomic_fetch_add(&lib->n_refs, 1);
    return lib;
}

void px_tf_lib_unref(px_tf_lib *lib)
{
    if (lib == NULL || atomic_fetch_sub(&lib->n_refs, 1) != 1)
        return;
    px_mem_free(lib->version);
    px_mem_free(lib->path);
    px_mem_free(lib);
}
