/* backend/tf/checkpoint.c - see checkpoint.h. */
#include "backend/tf/checkpoint.h"

#include "base/file.h"

#include <stdio.h>

/* `model_checkpoint_path: "NAME"` of the file `checkpoint`; escapes do not occur in names that
 * anybody uses. Empty when there is none. */
static px_str newest_in(px_str text)
{
    static const char key[] = "model_checkpoint_path:";
    for (const char *p = text.ptr, *end = p + text.len; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        px_str line = px_str_trim((px_str){p, (size_t)((nl != NULL ? nl : end) - p)});
        p = nl != NULL ? nl + 1 : end;
        if (!px_str_starts(line, key))
            continue;
        line = px_str_trim((px_str){line.ptr + sizeof key - 1, line.len - (sizeof key - 1)});
        if (line.len >= 2 && line.ptr[0] == '"' && line.ptr[line.len - 1] == '"')
            return (px_str){line.ptr + 1, line.len - 2};
    }
    return (px_str){0};
}

/* The prefix that the folder's file `checkpoint` names. */
static pgy_status *newest(const char *folder, char **out)
{
    pgy_status *st = NULL;
    px_file file = {0};
    char *list = px_path_join(folder, "checkpoint"), *name = NULL;
    if (list == NULL)
        PX_TRY(px_status_nomem());
    if (!px_path_exists(list))
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "The folder %s has no file named `checkpoint` that says which checkpoint to "
                       "load. Name one with --ckpt.",
                       folder));
    PX_TRY(px_file_map(list, &file));
    const px_str text = {file.data != NULL ? (const char *)file.data : "", file.size};
    const px_str found = newest_in(text);
    if (found.len == 0)
        PX_TRY(
            PX_FAIL(PGY_ERR_MODEL,
                    "The file %s names no checkpoint: it has no line model_checkpoint_path. Name "
                    "one with --ckpt.",
                    list));
    name = px_mem_strndup(found.ptr, found.len);
    if (name != NULL)
        *out = name[0] == '/' ? px_mem_strdup(name) : px_path_join(folder, name);
    if (name == NULL || *out == NULL)
        PX_TRY(px_status_nomem());
done:
    px_file_unmap(&file);
    px_mem_free(list);
    px_mem_free(name);
    return st;
}

static pgy_status *check_file(const char *prefix, const char *suffix)
{
    pgy_status *st = NULL;
    px_buf path = {0};
    px_buf_printf(&path, "%s%s", prefix, suffix);
    PX_TRY(px_buf_status(&path));
    if (!px_path_exists(path.ptr))
        PX_TRY(PX_FAIL(PGY_ERR_USAGE, "The checkpoint %s lacks its file %s.", prefix, path.ptr));
done:
    px_buf_fini(&path);
    return st;
}

/* The N of "NAME.data-00000-of-0000N"; 0 for another name. */
static int shards_of(const char *file, const char *name)
{
    static const char form[] = ".data-ddddd-of-ddddd";
    const size_t len = strlen(name);
    int n = 0;
    if (strncmp(file, name, len) != 0 || strlen(file + len) != sizeof form - 1)
        return 0;
    file += len;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        const bool is_digit = file[i] >= '0' && file[i] <= '9';
        if (form[i] == 'd' && i > 5 ? !is_digit : file[i] != form[i])
            return 0;
        if (i >= sizeof form - 6)
            n = n * 10 + (file[i] - '0');
    }
    return n;
}

static pgy_status *check_shards(const char *prefix)
{
    pgy_status *st = NULL;
    char **names = NULL, *folder = px_path_dirname(prefix);
    size_t n_names = 0;
    int n_shards = 0;
    const char *slash = strrchr(prefix, '/'), *name = slash != NULL ? slash + 1 : prefix;
    if (folder == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(px_path_list(folder, NULL, &names, &n_names));
    for (size_t i = 0; i < n_names; i++)
        n_shards = PX_MAX(n_shards, shards_of(names[i], name));
    for (int i = 0; i < PX_MAX(n_shards, 1); i++) {
        char suffix[64];
        snprintf(suffix, sizeof suffix, ".data-%05d-of-%05d", i, PX_MAX(n_shards, 1));
        PX_TRY(check_file(prefix, suffix));
    }
done:
    for (size_t i = 0; i < n_names; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
    px_mem_free(folder);
    return st;
}

pgy_status *px_checkpoint_find(const char *path, const char *name, char **out)
{
    pgy_status *st = NULL;
    char *prefix = NULL, *folder = NULL;
    if (px_path_is_dir(path)) {
        if (name != NULL)
            prefix = px_path_join(path, name);
        else
            PX_TRY(newest(path, &prefix));
    } else if (name != NULL) {
        folder = px_path_dirname(path);
        prefix = folder != NULL ? px_path_join(folder, name) : NULL;
    } else if (strcmp(px_path_ext(path), ".meta") == 0) {
        prefix = px_mem_strndup(path, strlen(path) - strlen(".meta"));
    } else {
        PX_TRY(PX_FAIL(PGY_ERR_USAGE,
                       "%s is no checkpoint: give a folder, or a file whose name ends in .meta.",
                       path));
    }
    if (prefix == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(check_file(prefix, ".meta"));
    PX_TRY(check_file(prefix, ".index"));
    PX_TRY(check_shards(prefix));
    *out = prefix;
    prefix = NULL;
done:
    px_mem_free(prefix);
    px_mem_free(folder);
    return st;
}
