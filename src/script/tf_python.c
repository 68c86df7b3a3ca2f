/* script/tf_python.c - see tf_python.h. */
#include "script/tf_python.h"

#include "backend/tf/checkpoint.h"
#include "base/child.h"
#include "base/log.h"
#include "script/python_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT "_polygraphy_tf.py"
#define MARK "polygraphy: "
#define OPSET_DEFAULT 11
#define SEGMENT_DEFAULT 3
#define CANNOT_RUN 127
#define FOREVER_NS ((uint64_t)1 << 62)

enum { FD_GRAPH = 3, FD_ONNX = 4 }; /* in the child */

typedef struct words {
    const char **at;
    size_t n, cap;
} words;

/* The script's text, NUL-terminated, from the image of "name size\n" lines, each followed by the
 * file. */
static char *script_text(void)
{
    const char *p = (const char *)px_python_image, *end = p + px_python_image_size;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p)), *space = nl;
        if (nl == NULL)
            break;
        while (space > p && *space != ' ')
            space--;
        const size_t size = strtoul(space + 1, NULL, 10);
        if (px_str_is((px_str){p, (size_t)(space - p)}, SCRIPT))
            return px_mem_strndup(nl + 1, size);
        p = nl + 1 + size;
    }
    return NULL;
}

static const char *kind_of(pgy_model_type type)
{
    switch (type) {
    case PGY_MODEL_TF_FROZEN:
        return "frozen";
    case PGY_MODEL_TF_SAVED:
        return "saved";
    case PGY_MODEL_TF_CKPT:
        return "ckpt";
    default:
        return "keras";
    }
}

static const char *number(px_arena *arena, const px_opt_int *given, int64_t otherwise)
{
    return px_arena_printf(arena, "%lld", (long long)(given->given ? given->value : otherwise));
}

/* The child's command line. `script` and the checkpoint's prefix are the caller's. */
static pgy_status *make_words(px_arena *arena, const char *python, const char *script,
                              const pgy_model *model, const char *path, const px_tf_args *args,
                              bool graph, bool onnx, words *out)
{
    pgy_status *st = NULL;
    const px_opt_strs *names = &args->tf_outputs;
    const bool named = names->given && !px_opt_marks_all(names), trt = args->tftrt.given && graph;
    const char *const fixed[] = {
        python,
        "-c",
        script,
        kind_of(model->type),
        path,
        graph ? "3" : "-",
        onnx ? "4" : "-",
        number(arena, &args->opset, OPSET_DEFAULT),
        trt ? number(arena, &args->minimum_segment_size, SEGMENT_DEFAULT) : "-",
        args->dynamic_op.given ? "1" : "0",
        args->keras_layers.given ? args->keras_layers.value : "-",
    };
    PX_TRY(PX_RESERVE(out, PX_COUNTOF(fixed) + names->n + 1));
    for (size_t i = 0; i < PX_COUNTOF(fixed); i++) {
        if (fixed[i] == NULL)
            PX_TRY(px_status_nomem());
        out->at[out->n++] = fixed[i];
    }
    for (size_t i = 0; named && i < names->n; i++)
        out->at[out->n++] = names->at[i];
    out->at[out->n] = NULL;
done:
    return st;
}

static pgy_status *memory_file(int *out)
{
    *out = memfd_create("polygraphy-tf", MFD_CLOEXEC);
    if (*out < 0)
        return PX_FAIL(PGY_ERR_IO, "Cannot make a file in memory: %s", strerror(errno));
    return NULL;
}

/* In the child: the files get low numbers from copies that cannot be overwritten. */
static _Noreturn void run_python(const words *w, int graph, int onnx, int log)
{
    const int from[] = {log, log, graph, onnx}, to[] = {1, 2, FD_GRAPH, FD_ONNX};
    int copies[PX_COUNTOF(from)];
    for (size_t i = 0; i < PX_COUNTOF(from); i++)
        copies[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 10);
    for (size_t i = 0; i < PX_COUNTOF(from); i++)
        if (dup2(copies[i], to[i]) < 0)
            _exit(CANNOT_RUN);
    execvp(w->at[0], (char *const *)(uintptr_t)w->at);
    _exit(CANNOT_RUN);
}

/* What the child said on its way out: its own sentence, or the last line of a traceback. */
static pgy_status *explain(const char *python, int state, int log)
{
    pgy_status *st = NULL;
    px_buf how = {0};
    char path[64];
    px_file said = {0};
    snprintf(path, sizeof path, "/proc/self/fd/%d", log);
    PX_TRY(px_file_map(path, &said));
    px_str text = px_str_trim((px_str){(const char *)said.data, said.size}), line = text;
    for (size_t i = text.len; i-- > 0;)
        if (text.ptr[i] == '\n') {
            line = (px_str){text.ptr + i + 1, text.len - i - 1};
            break;
        }
    if (px_str_starts(line, MARK))
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "%.*s", (int)(line.len - strlen(MARK)),
                       line.ptr + strlen(MARK)));
    if (WIFEXITED(state) && WEXITSTATUS(state) == CANNOT_RUN)
        PX_TRY(PX_FAIL(PGY_ERR_BACKEND,
                       "TensorFlow's Python is needed, and %s cannot be run. Put python3 on PATH, "
                       "or name one in POLYGRAPHY_PYTHON.",
                       python));
    px_child_print_state(&how, state);
    PX_TRY(px_buf_status(&how));
    PX_TRY(PX_FAIL(PGY_ERR_BACKEND, "TensorFlow's Python (%s) %s: %.*s", python, how.ptr,
                   PX_STR_ARG(line)));
done:
    px_file_unmap(&said);
    px_buf_fini(&how);
    return st;
}

/* A model of what the child wrote. */
static pgy_status *model_of(const pgy_model *from, int fd, pgy_model_type type, pgy_model **out)
{
    pgy_status *st = NULL;
    px_file file = {0};
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    PX_TRY(px_file_map(path, &file));
    PX_TRY(px_model_of_file(from->cx, from->path, type, file, out));
done:
    return st;
}

pgy_status *px_tf_python(pgy_context *cx, const pgy_model *model, const px_tf_args *args,
                         pgy_model **out_frozen, pgy_model **out_onnx)
{
    pgy_status *st = NULL;
    px_arena arena = {0};
    words command = {0};
    pgy_model *frozen = NULL, *onnx = NULL;
    char *script = script_text(), *prefix = NULL;
    int graph_fd = -1, onnx_fd = -1, log_fd = -1;
    pid_t pid = 0;
    const char *python = getenv("POLYGRAPHY_PYTHON");
    if (python == NULL || *python == '\0')
        python = "python3";
    if (script == NULL)
        PX_TRY(px_status_nomem());
    if (model->type == PGY_MODEL_TF_CKPT)
        PX_TRY(
            px_checkpoint_find(model->path, args->ckpt.given ? args->ckpt.value : NULL, &prefix));
    PX_TRY(make_words(&arena, python, script, model, prefix ? prefix : model->path, args,
                      out_frozen != NULL, out_onnx != NULL, &command));
    PX_TRY(memory_file(&graph_fd));
    PX_TRY(memory_file(&onnx_fd));
    PX_TRY(memory_file(&log_fd));
    px_log(cx, PGY_LOG_VERBOSE, PX_AT_TF, "Having TensorFlow's Python (%s) load %s", python,
           model->path);
    fflush(NULL);
    PX_TRY(px_child_fork(&pid));
    if (pid == 0)
        run_python(&command, graph_fd, onnx_fd, log_fd);
    const int state = px_child_end(pid, FOREVER_NS);
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0)
        PX_TRY(explain(python, state, log_fd));
    if (out_frozen != NULL)
        PX_TRY(model_of(model, graph_fd, PGY_MODEL_TF_FROZEN, &frozen));
    if (out_onnx != NULL)
        PX_TRY(model_of(model, onnx_fd, PGY_MODEL_ONNX, &onnx));
    if (out_frozen != NULL)
        *out_frozen = frozen;
    if (out_onnx != NULL)
        *out_onnx = onnx;
    frozen = onnx = NULL;
done:
    pgy_model_close(frozen);
    pgy_model_close(onnx);
    for (size_t i = 0; i < 3; i++) {
        const int fd = (const int[]){graph_fd, onnx_fd, log_fd}[i];
        if (fd >= 0)
            close(fd);
    }
    px_mem_free(command.at);
    px_mem_free(script);
    px_mem_free(prefix);
    px_arena_fini(&arena);
    return px_status_while(st, "preparing %s with TensorFlow's Python", model->path);
}
