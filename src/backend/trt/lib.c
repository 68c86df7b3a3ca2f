/* backend/trt/lib.c - finding and loading TensorRT, and what it logs. */
#include "backend/trt/lib.h"

#include "base/file.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/thread.h"

#include <stdarg.h>

/* --- messages --- */

enum { SEV_INTERNAL, SEV_ERROR, SEV_WARNING, SEV_INFO, SEV_VERBOSE }; /* nvinfer1::ILogger */

static void on_message(void *self, int32_t severity, const char *message)
{
    px_trt_hear(((px_trt_logger *)self)->lib, severity, message);
}

void px_trt_hear(px_trt_lib *lib, int32_t severity, const char *message)
{
    pthread_mutex_lock(&lib->lock);
    if (severity <= SEV_ERROR) {
        px_buf_puts(&lib->held, message);
        px_buf_putc(&lib->held, '\0');
    } else if (severity == SEV_WARNING) {
        px_log_once(lib->cx, PGY_LOG_WARNING, PX_AT_TRT, "TensorRT: %s", message);
    } else {
        px_log(lib->cx, severity == SEV_INFO ? PGY_LOG_VERBOSE : PGY_LOG_EXTRA_VERBOSE, PX_AT_TRT,
               "TensorRT: %s", message);
    }
    pthread_mutex_unlock(&lib->lock);
}

static px_trt_interface_info logger_info(void *self)
{
    PX_UNUSED(self);
    return (px_trt_interface_info){"ILogger", 1, 0};
}

static void make_logger(px_trt_lib *lib)
{
    const px_trt_callback callbacks[] = {
        {PX_TRT_LOGGER_LOG, (px_trt_fn)on_message},
        {PX_TRT_LOGGER_GET_INTERFACE_INFO, (px_trt_fn)logger_info},
    };
    px_trt_vtable_init(&lib->logger_vtable, &lib->abi, "ILogger", callbacks, PX_COUNTOF(callbacks));
    lib->logger = (px_trt_logger){.vptr = lib->logger_vtable.slots, .lib = lib};
}

void px_trt_begin(px_trt_lib *lib)
{
    pthread_mutex_lock(&lib->lock);
    lib->held.len = 0;
    pthread_mutex_unlock(&lib->lock);
}

/* Shows the held messages from byte `from` on, each once, and drops all. */
static void show_held(px_trt_lib *lib, size_t from)
{
    pthread_mutex_lock(&lib->lock);
    for (size_t at = from; at < lib->held.len; at += strlen(lib->held.ptr + at) + 1)
        px_log_once(lib->cx, PGY_LOG_ERROR, PX_AT_TRT, "TensorRT: %s", lib->held.ptr + at);
    lib->held.len = 0;
    pthread_mutex_unlock(&lib->lock);
}

void px_trt_end(px_trt_lib *lib)
{
    show_held(lib, 0);
}

pgy_status *px_trt_failed(px_trt_lib *lib, const char *fmt, ...)
{
    px_buf what = {0}, first = {0};
    size_t rest = 0;
    va_list args;
    va_start(args, fmt);
    px_buf_vprintf(&what, fmt, args);
    va_end(args);
    pthread_mutex_lock(&lib->lock);
    if (lib->held.len > 0 && !lib->held.failed) {
        px_buf_puts(&first, lib->held.ptr);
        rest = strlen(lib->held.ptr) + 1;
    }
    pthread_mutex_unlock(&lib->lock);
    show_held(lib, rest);
    const px_str words = px_str_trim(px_buf_str(&first));
    pgy_status *st = words.len > 0 ? PX_FAIL(PGY_ERR_BACKEND, "%s %s: %.*s", lib->abi.name,
                                             px_buf_cstr(&what), PX_STR_ARG(words))
                                   : PX_FAIL(PGY_ERR_BACKEND, "%s %s; it gives no reason.",
                                             lib->abi.name, px_buf_cstr(&what));
    px_buf_fini(&what);
    px_buf_fini(&first);
    return st;
}

pgy_status *px_trt_lacks(const px_trt_lib *lib, const char *option, const char *thing,
                         const char *way_out)
{
    return PX_FAIL(PGY_ERR_UNSUPPORTED, "%s: %s has no %s.%s%s", option, lib->abi.name, thing,
                   way_out != NULL ? " " : "", way_out != NULL ? way_out : "");
}

pgy_status *px_trt_enum_of(const px_trt_lib *lib, const char *option, const char *enumeration,
                           const char *name, int32_t *out)
{
    px_buf names = {0};
    *out = px_trt_enum(&lib->abi, enumeration, px_str_of(name));
    if (*out >= 0)
        return NULL;
    px_trt_enum_print_names(&lib->abi, enumeration, &names);
    pgy_status *st = names.len > 0
                         ? PX_FAIL(PGY_ERR_USAGE, "%s %s: %s knows no such %s; it has %s.", option,
                                   name, lib->abi.name, enumeration, px_buf_cstr(&names))
                         : px_trt_lacks(lib, option, enumeration, NULL);
    px_buf_fini(&names);
    return st;
}

/* --- loading --- */

static bool path_is_rtx(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strstr(slash != NULL ? slash + 1 : path, "tensorrt_rtx") != NULL;
}

static pgy_status *load_from(void *user, const char *path, px_found_by by)
{
    px_trt_lib *const lib = user;
    pgy_status *st = NULL;
    px_dl dl = {0};
    int32_t (*version)(void) = NULL;
    bool is_tested = true;

    PX_TRY(px_dl_open_lazy(path, &dl));
    PX_TRY(px_dl_bind(&dl, "getInferLibVersion", &version, sizeof version));
    PX_TRY(px_dl_bind(&dl, "createInferBuilder_INTERNAL", &lib->create_builder,
                      sizeof lib->create_builder));
    PX_TRY(px_dl_bind(&dl, "createInferRuntime_INTERNAL", &lib->create_runtime,
                      sizeof lib->create_runtime));
    lib->lib_version = version();
    PX_TRY(px_trt_abi_init(&lib->abi, lib->lib_version, path_is_rtx(path), &is_tested));
    if (!is_tested)
        px_log_once(lib->cx, PGY_LOG_WARNING, PX_AT_TRT,
                    "%s (%s) is newer than the versions this program was written for; it is used "
                    "like the newest known one of its major version.",
                    lib->abi.name, path);
    px_mem_free(lib->path);
    px_mem_free(lib->dir);
    lib->path = px_mem_strdup(path);
    lib->dir = strchr(path, '/') != NULL ? px_path_dirname(path) : px_mem_strdup("");
    if (lib->path == NULL || lib->dir == NULL)
        PX_TRY(px_status_nomem());
    lib->found_by = by;
    dl.handle = NULL; /* stays loaded, see the header */
done:
    if (st != NULL)
        lib->create_builder = NULL;
    px_dl_close(&dl);
    return px_status_while(st, "loading %s", path);
}

/* Why there is no GPU is kept: it is an error only for what needs one. */
static pgy_status *find_gpu(px_trt_lib *lib, int device)
{
    pgy_status *st = px_cuda_open(device, &lib->cuda);
    lib->has_gpu = st == NULL;
    if (st == NULL || pgy_status_code(st) == PGY_ERR_NOMEM)
        return st;
    lib->no_gpu = px_mem_strdup(pgy_status_message(st));
    pgy_status_free(st);
    return lib->no_gpu != NULL ? NULL : px_status_nomem();
}

/* Recursive: a callback that holds it may call TensorRT, which may log. */
static void init_lock(px_trt_lib *lib)
{
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lib->lock, &kind);
    pthread_mutexattr_destroy(&kind);
}

void px_trt_log_since(pgy_context *cx, const char *what, uint64_t start_ns)
{
    px_buf text = {0};
    px_buf_printf(&text, "%s in ", what);
    px_fmt_f(&text, (double)(px_time_ns() - start_ns) / 1e9, 3);
    px_buf_puts(&text, " seconds");
    px_log_text(cx, PGY_LOG_VERBOSE, PX_AT_TRT, px_buf_str(&text));
    px_buf_fini(&text);
}

static pgy_status *open_lib(pgy_context *cx, int device, px_trt_lib **out)
{
    pgy_status *st = NULL;
    px_trt_lib *lib = NULL;
    uint64_t start_ns = px_time_ns();

    PX_TRY(PX_ALLOC(lib, 1));
    lib->cx = cx;
    init_lock(lib);
    PX_TRY(px_runtime_load(px_runtime_find("trt"), load_from, lib));
    make_logger(lib);
    px_trt_log_since(cx, "TensorRT was loaded", start_ns);
    start_ns = px_time_ns();
    PX_TRY(find_gpu(lib, device));
    if (lib->has_gpu)
        px_trt_log_since(cx, "The GPU was opened", start_ns);
    px_log(cx, PGY_LOG_EXTRA_VERBOSE, PX_AT_TRT, "Loaded %s from %s; GPU: %s", lib->abi.name,
           lib->path, lib->has_gpu ? lib->cuda.name : lib->no_gpu);
    *out = lib;
    lib = NULL;
done:
    px_trt_lib_close(lib);
    return st;
}

pgy_status *px_trt_lib_open(pgy_context *cx, int device, px_trt_lib **out)
{
    pgy_status *st = NULL;
    px_trt_lib *lib = NULL;

    PX_TRY(open_lib(cx, device, &lib));
    /* TensorRT's factories crash without a driver; those of TensorRT-RTX can still build. */
    if (!lib->has_gpu && !lib->abi.is_rtx)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "%s (while looking for the GPU that %s needs)", lib->no_gpu,
                       lib->abi.name));
    *out = lib;
    lib = NULL;
done:
    px_trt_lib_close(lib);
    return px_status_while(st, "loading TensorRT");
}

pgy_status *px_trt_lib_probe(pgy_context *cx, px_trt_lib **out)
{
    return open_lib(cx, 0, out);
}

void px_trt_lib_close(px_trt_lib *lib)
{
    if (lib == NULL)
        return;
    px_cuda_close(&lib->cuda);
    pthread_mutex_destroy(&lib->lock);
    px_buf_fini(&lib->held);
    px_mem_free(lib->no_gpu);
    px_mem_free(lib->path);
    px_mem_free(lib->dir);
    px_mem_free(lib);
}

/* A library of the same release: beside the main one, else by the loader's rules. */
static pgy_status *open_beside(const px_trt_lib *lib, const char *stem, px_dl *out)
{
    pgy_status *st = NULL;
    px_buf name = {0};
    char *path = NULL;

    px_buf_printf(&name, "%s.so.%d", stem, lib->abi.major);
    PX_TRY(px_buf_status(&name));
    path = px_path_join(lib->dir, name.ptr);
    if (path == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_dl_open_lazy(lib->dir[0] != '\0' && px_path_exists(path) ? path : name.ptr, out));
done:
    px_mem_free(path);
    px_buf_fini(&name);
    return st;
}

pgy_status *px_trt_lib_need_parser(px_trt_lib *lib)
{
    pgy_status *st = NULL;
    px_dl dl = {0};
    int32_t (*version)(void) = NULL;

    if (lib->create_parser != NULL)
        return NULL;
    /* The parser of 8.6 is linked to the plugin library. */
    if (lib->abi.major == 8 && !lib->abi.is_rtx)
        PX_TRY(px_trt_lib_load_plugins(lib, NULL, 0));
    PX_TRY(
        open_beside(lib, lib->abi.is_rtx ? "libtensorrt_onnxparser_rtx" : "libnvonnxparser", &dl));
    PX_TRY(px_dl_bind(&dl, "getNvOnnxParserVersion", &version, sizeof version));
    PX_TRY(px_dl_bind(&dl, "createNvOnnxParser_INTERNAL", &lib->create_parser,
                      sizeof lib->create_parser));
    lib->parser_version = version();
    dl.handle = NULL;
done:
    px_dl_close(&dl);
    return px_status_while(st, "loading the ONNX parser of %s", lib->abi.name);
}

pgy_status *px_trt_lib_need_parsers_8(px_trt_lib *lib)
{
    pgy_status *st = NULL;
    px_dl dl = {0};

    if (lib->create_uff_parser != NULL && lib->create_caffe_parser != NULL)
        return NULL;
    PX_TRY(px_trt_lib_load_plugins(lib, NULL, 0)); /* it is linked to them */
    PX_TRY(open_beside(lib, "libnvparsers", &dl));
    PX_TRY(px_dl_bind(&dl, "createNvUffParser_INTERNAL", &lib->create_uff_parser,
                      sizeof lib->create_uff_parser));
    PX_TRY(px_dl_bind(&dl, "createNvCaffeParser_INTERNAL", &lib->create_caffe_parser,
                      sizeof lib->create_caffe_parser));
    dl.handle = NULL;
done:
    px_dl_close(&dl);
    return px_status_while(st, "loading the UFF and Caffe parsers of %s", lib->abi.name);
}

pgy_status *px_trt_lib_load_plugins(px_trt_lib *lib, const char *const *paths, size_t n)
{
    pgy_status *st = NULL;
    px_dl dl = {0};

    if (lib->init_plugins == NULL && !lib->abi.is_rtx) {
        pgy_status *missing = open_beside(lib, "libnvinfer_plugin", &dl);
        if (missing == NULL)
            missing = px_dl_bind(&dl, "initLibNvInferPlugins", &lib->init_plugins,
                                 sizeof lib->init_plugins);
        if (missing != NULL)
            px_log(lib->cx, PGY_LOG_VERBOSE, PX_AT_TRT, "TensorRT's own plugins are left out: %s",
                   pgy_status_message(missing));
        pgy_status_free(missing);
        dl.handle = NULL;
        if (lib->init_plugins != NULL && lib->has_gpu) {
            px_trt_begin(lib);
            if (!lib->init_plugins(&lib->logger, ""))
                PX_TRY(px_trt_failed(lib, "could not register its plugins"));
            px_trt_end(lib);
        }
    }
    for (size_t i = 0; i < n; i++) {
        px_log(lib->cx, PGY_LOG_INFO, PX_AT_TRT, "Loading plugin library: %s", paths[i]);
        PX_TRY(px_dl_open_lazy(paths[i], &dl));
        dl.handle = NULL; /* plugins registered themselves and must stay */
    }
done:
    return st;
}

char *px_trt_folder_for_loader(void)
{
    px_discovery found = {0};
    char *dir = NULL, **names = NULL;
    size_t n = 0;
    bool has_kernels = false;
    pgy_status *st = px_discover(px_runtime_find("trt"), &found);

    if (st == NULL && found.n > 0 && found.at[0].path[0] == '/')
        dir = px_path_dirname(found.at[0].path);
    if (dir != NULL)
        pgy_status_free(px_path_list(dir, NULL, &names, &n));
    for (size_t i = 0; i < n; i++) {
        has_kernels |= px_str_starts(px_str_of(names[i]), "libnvinfer_builder_resource");
        px_mem_free(names[i]);
    }
    px_mem_free(names);
    if (!has_kernels) {
        px_mem_free(dir);
        dir = NULL;
    }
    pgy_status_free(st);
    px_discovery_fini(&found);
    return dir;
}
