/* backend/discover.c - see the header for the order of places. */
#include "backend/discover.h"

#include "base/file.h"

#include <limits.h>
#include <unistd.h>

static const px_runtime runtimes[] = {
    {.backend = "onnxrt",
     .title = "ONNX Runtime",
     .variable = "POLYGRAPHY_ONNXRT_LIB",
     .package = "onnxruntime",
     .hint = "The onnxruntime package carries the library since version 1.19.",
     .in_packages = (const char *const[]){"onnxruntime/capi/libonnxruntime.so.*", NULL},
     .sonames = (const char *const[]){"libonnxruntime.so.1", "libonnxruntime.so", NULL}},
    {.backend = "tf",
     .title = "TensorFlow",
     .variable = "POLYGRAPHY_TF_LIB",
     .package = "tensorflow-cpu",
     .in_packages = (const char *const[]){"tensorflow/libtensorflow_cc.so.2", NULL},
     .sonames = (const char *const[]){"libtensorflow_cc.so.2", "libtensorflow.so.2", NULL}},
    {.backend = "trt",
     .title = "TensorRT",
     .variable = "POLYGRAPHY_TRT_LIB",
     .package = "tensorrt-rtx-cu13-libs",
     .in_packages = (const char *const[]){"tensorrt_libs/libnvinfer.so.*",
                                          "tensorrt_rtx_libs/libtensorrt_rtx.so.*", NULL},
     .sonames = (const char *const[]){"libnvinfer.so.11", "libnvinfer.so.10", "libnvinfer.so.8",
                                      "libnvinfer.so", "libtensorrt_rtx.so.1", NULL}},
};

/* Where the dynamic loader looks at the end, whatever its cache says. */
static const char *const system_folders[] = {"/usr/local/lib", "/lib64", "/usr/lib64", "/lib",
                                             "/usr/lib"};

typedef struct search {
    const px_runtime *runtime;
    px_discovery *out;
} search;

const px_runtime *px_runtime_list(size_t *out_n)
{
    *out_n = PX_COUNTOF(runtimes);
    return runtimes;
}

const px_runtime *px_runtime_find(const char *backend)
{
    for (size_t i = 0; i < PX_COUNTOF(runtimes); i++)
        if (strcmp(runtimes[i].backend, backend) == 0)
            return &runtimes[i];
    return NULL;
}

const char *px_found_by_text(px_found_by by)
{
    switch (by) {
    case PX_FOUND_VARIABLE:
        return "the environment variable";
    case PX_FOUND_INSTALLED:
        return "polygraphy backends install";
    case PX_FOUND_VENV:
        return "the active virtual environment";
    case PX_FOUND_PYTHON:
        return "the python3 on PATH";
    case PX_FOUND_LOADER:
        return "the system's libraries";
    }
    return "";
}

/* Environment variable that is set to something, or NULL. */
static const char *env_text(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

char *px_backends_folder(const char *backend)
{
    px_buf b = {0};
    const char *data = env_text("XDG_DATA_HOME"), *home = env_text("HOME");
    if (data == NULL && home == NULL)
        return NULL;
    if (data != NULL)
        px_buf_printf(&b, "%s/polygraphy/backends/%s", data, backend);
    else
        px_buf_printf(&b, "%s/.local/share/polygraphy/backends/%s", home, backend);
    return px_buf_take(&b);
}

/* Adds a file unless the same file (links resolved) is there already. */
static pgy_status *add_candidate(search *s, const char *path, px_found_by by)
{
    pgy_status *st = NULL;
    px_discovery *d = s->out;
    char *copy = NULL;
    char real[PATH_MAX], other[PATH_MAX];

    if (realpath(path, real) == NULL)
        return NULL;
    for (size_t i = 0; i < d->n; i++)
        if (realpath(d->at[i].path, other) != NULL && strcmp(real, other) == 0)
            return NULL;
    copy = px_mem_strdup(path);
    if (copy == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(PX_RESERVE(d, 1));
    d->at[d->n++] = (px_candidate){.path = copy, .by = by};
    copy = NULL;
done:
    px_mem_free(copy);
    return st;
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        px_mem_free(names[i]);
    px_mem_free(names);
}

/* Sorted names in a folder; none when it cannot be read. */
static void list_names(const char *dir, char ***out, size_t *out_n)
{
    pgy_status *st = px_path_list(dir, NULL, out, out_n);
    if (st != NULL) {
        *out = NULL;
        *out_n = 0;
    }
    pgy_status_free(st);
}

/* Adds the files of `dir` whose name matches the pattern; of several, the last in order first. */
static pgy_status *add_matching(search *s, const char *dir, const char *pattern, px_found_by by)
{
    pgy_status *st = NULL;
    char **names = NULL, *path = NULL;
    size_t n = 0;

    list_names(dir, &names, &n);
    for (size_t i = n; i-- > 0;) {
        if (!px_str_fnmatch(px_str_of(pattern), px_str_of(names[i])))
            continue;
        path = px_path_join(dir, names[i]);
        if (path == NULL)
            PX_TRY(px_status_nomem());
        PX_TRY(add_candidate(s, path, by));
        px_mem_free(path);
        path = NULL;
    }
done:
    px_mem_free(path);
    free_names(names, n);
    return st;
}

/* Looks for the runtime's files under a site-packages folder. */
static pgy_status *look_in_packages(search *s, const char *site, px_found_by by)
{
    pgy_status *st = NULL;
    px_buf dir = {0};

    for (const char *const *p = s->runtime->in_packages; *p != NULL; p++) {
        const char *slash = strrchr(*p, '/');
        px_buf_fini(&dir);
        px_buf_printf(&dir, "%s/%.*s", site, (int)(slash - *p), *p);
        PX_TRY(px_buf_status(&dir));
        if (!px_path_is_dir(dir.ptr))
            continue;
        PX_TRY(add_matching(s, dir.ptr, slash + 1, by));
        if (s->out->n == 0)
            px_buf_printf(&s->out->places, "  %s, which has no %s. %s\n", dir.ptr, slash + 1,
                          s->runtime->hint != NULL ? s->runtime->hint : "");
    }
done:
    px_buf_fini(&dir);
    return st;
}

/* The package folders of a Python installation: PREFIX/lib/python3.N/{site,dist}-packages.
 * `version` is "python3.11" to look at that one only, or NULL. Debian's "python3" folder serves
 * every version. */
static pgy_status *look_in_prefix(search *s, const char *prefix, const char *version,
                                  px_found_by by)
{
    pgy_status *st = NULL;
    static const char *const libs[] = {"lib", "lib64"};
    static const char *const kinds[] = {"site-packages", "dist-packages"};
    px_buf dir = {0}, site = {0};
    char **names = NULL;
    size_t n = 0;

    for (size_t l = 0; l < PX_COUNTOF(libs); l++) {
        px_buf_fini(&dir);
        px_buf_printf(&dir, "%s/%s", prefix, libs[l]);
        PX_TRY(px_buf_status(&dir));
        list_names(dir.ptr, &names, &n);
        for (size_t i = n; i-- > 0;) {
            if (!px_str_starts(px_str_of(names[i]), "python3"))
                continue;
            if (version != NULL && strcmp(names[i], version) != 0 &&
                strcmp(names[i], "python3") != 0)
                continue;
            for (size_t k = 0; k < PX_COUNTOF(kinds); k++) {
                px_buf_fini(&site);
                px_buf_printf(&site, "%s/%s/%s", dir.ptr, names[i], kinds[k]);
                PX_TRY(px_buf_status(&site));
                PX_TRY(look_in_packages(s, site.ptr, by));
            }
        }
        free_names(names, n);
        names = NULL;
        n = 0;
    }
done:
    free_names(names, n);
    px_buf_fini(&dir);
    px_buf_fini(&site);
    return st;
}

/* A Python outside virtual environments: its own packages and those of the user. */
static pgy_status *look_in_base_python(search *s, const char *prefix, const char *version,
                                       px_found_by by)
{
    pgy_status *st = NULL;
    px_buf user = {0};
    const char *base = env_text("PYTHONUSERBASE"), *home = env_text("HOME");

    if (env_text("PYTHONNOUSERSITE") == NULL && (base != NULL || home != NULL)) {
        if (base != NULL)
            px_buf_puts(&user, base);
        else
            px_buf_printf(&user, "%s/.local", home);
        PX_TRY(px_buf_status(&user));
        PX_TRY(look_in_prefix(s, user.ptr, version, by));
    }
    if (strcmp(prefix, "/usr") == 0) /* Debian's pip installs beside the system's packages */
        PX_TRY(look_in_prefix(s, "/usr/local", version, by));
    PX_TRY(look_in_prefix(s, prefix, version, by));
done:
    px_buf_fini(&user);
    return st;
}

/* Value of `key = value` in a pyvenv.cfg; empty when it has none. */
static px_str cfg_get(const px_file *cfg, const char *key)
{
    const char *p = (const char *)cfg->data, *end = p + cfg->size;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const px_str line = {p, (size_t)((nl != NULL ? nl : end) - p)};
        const char *eq = memchr(line.ptr, '=', line.len);
        if (eq != NULL) {
            const px_str name = px_str_trim((px_str){line.ptr, (size_t)(eq - line.ptr)});
            if (px_str_is(name, key))
                return px_str_trim((px_str){eq + 1, line.len - (size_t)(eq + 1 - line.ptr)});
        }
        p += line.len + 1;
    }
    return (px_str){0};
}

/* A virtual environment; `*out_is_venv` says whether `prefix` is one. Where it lets the system's
 * packages in, those of its base come after its own. */
static pgy_status *look_in_venv(search *s, const char *prefix, px_found_by by, bool *out_is_venv)
{
    pgy_status *st = NULL;
    px_file cfg = {0};
    char *path = px_path_join(prefix, "pyvenv.cfg"), *home = NULL, *base = NULL;

    *out_is_venv = false;
    if (path == NULL)
        PX_TRY(px_status_nomem());
    if (!px_path_exists(path))
        goto done;
    *out_is_venv = true;
    PX_TRY(look_in_prefix(s, prefix, NULL, by));
    PX_TRY(px_file_map(path, &cfg));
    if (px_str_eq_nocase(cfg_get(&cfg, "include-system-site-packages"), PX_STR("true"))) {
        const px_str bin = cfg_get(&cfg, "home");
        home = px_mem_strndup(bin.ptr, bin.len);
        base = home != NULL ? px_path_dirname(home) : NULL;
        if (base == NULL)
            PX_TRY(px_status_nomem());
        PX_TRY(look_in_base_python(s, base, NULL, by));
    }
done:
    px_file_unmap(&cfg);
    px_mem_free(path);
    px_mem_free(home);
    px_mem_free(base);
    return st;
}

/* pyenv puts scripts in front of its versions: ROOT/shims/python3 stands for
 * ROOT/versions/V/bin/python3, V from PYENV_VERSION or the first word of ROOT/version. */
static pgy_status *look_behind_shim(search *s, const char *shims)
{
    pgy_status *st = NULL;
    px_file file = {0};
    px_buf prefix = {0};
    char *root = px_path_dirname(shims), *version_path = NULL;
    px_str version = {0};

    if (root != NULL)
        version_path = px_path_join(root, "version");
    if (version_path == NULL)
        PX_TRY(px_status_nomem());
    if (env_text("PYENV_VERSION") != NULL) {
        version = px_str_of(env_text("PYENV_VERSION"));
    } else if (px_path_exists(version_path)) {
        PX_TRY(px_file_map(version_path, &file));
        version = px_str_trim((px_str){(const char *)file.data, file.size});
    }
    for (size_t i = 0; i < version.len; i++)
        if (strchr(" \t\r\n:", version.ptr[i]) != NULL)
            version.len = i;
    if (version.len == 0)
        goto done;
    px_buf_printf(&prefix, "%s/versions/%.*s", root, PX_STR_ARG(version));
    PX_TRY(px_buf_status(&prefix));
    PX_TRY(look_in_base_python(s, prefix.ptr, NULL, PX_FOUND_PYTHON));
done:
    px_file_unmap(&file);
    px_buf_fini(&prefix);
    px_mem_free(root);
    px_mem_free(version_path);
    return st;
}

/* The Python whose command is `bin`/python3. */
static pgy_status *look_behind_python(search *s, const char *bin)
{
    pgy_status *st = NULL;
    char *prefix = NULL, *command = px_path_join(bin, "python3"), *real_bin = NULL;
    char real[PATH_MAX];
    bool is_venv = false;

    if (command == NULL)
        PX_TRY(px_status_nomem());
    if (access(command, X_OK) != 0 || realpath(command, real) == NULL)
        goto done;
    px_buf_printf(&s->out->places, "  %s\n", command);
    if (px_str_ends(px_str_of(bin), "/shims")) {
        PX_TRY(look_behind_shim(s, bin));
        goto done;
    }
    /* A virtual environment is recognised before the link is followed: its python3 is a link to
     * the one it was made from. */
    prefix = px_path_dirname(bin);
    if (prefix == NULL)
        PX_TRY(px_status_nomem());
    PX_TRY(look_in_venv(s, prefix, PX_FOUND_PYTHON, &is_venv));
    if (is_venv)
        goto done;
    px_mem_free(prefix);
    real_bin = px_path_dirname(real);
    prefix = real_bin != NULL ? px_path_dirname(real_bin) : NULL;
    if (prefix == NULL)
        PX_TRY(px_status_nomem());
    const char *name = strrchr(real, '/') + 1;
    const bool has_version = px_str_starts(px_str_of(name), "python3.");
    PX_TRY(look_in_base_python(s, prefix, has_version ? name : NULL, PX_FOUND_PYTHON));
done:
    px_mem_free(command);
    px_mem_free(prefix);
    px_mem_free(real_bin);
    return st;
}

/* Calls `look` for each folder of a colon-separated list. */
static pgy_status *for_each_folder(search *s, const char *list,
                                   pgy_status *(*look)(search *s, const char *dir))
{
    pgy_status *st = NULL;
    char *dir = NULL;
    for (const char *p = list; p != NULL && *p != '\0';) {
        const size_t len = strcspn(p, ":");
        /* An empty entry means the working folder; a library there is not picked up unasked. */
        if (len > 0) {
            dir = px_mem_strndup(p, len);
            if (dir == NULL)
                PX_TRY(px_status_nomem());
            while (strlen(dir) > 1 && px_str_ends(px_str_of(dir), "/"))
                dir[strlen(dir) - 1] = '\0';
            PX_TRY(look(s, dir));
            px_mem_free(dir);
            dir = NULL;
        }
        p += len + (p[len] == ':');
    }
done:
    px_mem_free(dir);
    return st;
}

static pgy_status *look_for_sonames(search *s, const char *dir, px_found_by by)
{
    pgy_status *st = NULL;
    char *path = NULL;
    for (const char *const *name = s->runtime->sonames; *name != NULL; name++) {
        path = px_path_join(dir, *name);
        if (path == NULL)
            PX_TRY(px_status_nomem());
        PX_TRY(add_candidate(s, path, by));
        px_mem_free(path);
        path = NULL;
    }
done:
    px_mem_free(path);
    return st;
}

static pgy_status *look_for_loaders(search *s, const char *dir)
{
    return look_for_sonames(s, dir, PX_FOUND_LOADER);
}

/* The string at `offset`; NULL when it does not end inside the file. */
static const char *cache_text(const px_file *cache, uint32_t offset)
{
    if (offset >= cache->size || memchr(cache->data + offset, 0, cache->size - offset) == NULL)
        return NULL;
    return (const char *)cache->data + offset;
}

/* The loader's cache, /etc/ld.so.cache, in the format glibc 2.32 and newer writes: a 48-byte
 * header that starts with the magic and holds the number of entries at byte 20, then 24-byte
 * entries {int32 flags, uint32 name, uint32 path, ...}; name and path are byte offsets from the
 * header of NUL-terminated strings. Another format is passed over. */
static pgy_status *look_in_cache(search *s)
{
    static const char magic[] = "glibc-ld.so.cache1.1";
    enum { HEADER = 48, ENTRY = 24, N_ENTRIES = 20 };
    pgy_status *st = NULL;
    px_file cache = {0};
    uint32_t n = 0;

    st = px_file_map("/etc/ld.so.cache", &cache);
    if (st != NULL) { /* none on this system */
        pgy_status_free(st);
        return NULL;
    }
    if (cache.size < HEADER || memcmp(cache.data, magic, sizeof magic - 1) != 0)
        goto done;
    memcpy(&n, cache.data + N_ENTRIES, sizeof n);
    n = (uint32_t)PX_MIN(n, (cache.size - HEADER) / ENTRY);
    for (const char *const *soname = s->runtime->sonames; *soname != NULL; soname++) {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t at[2];
            memcpy(at, cache.data + HEADER + (size_t)i * ENTRY + 4, sizeof at);
            const char *name = cache_text(&cache, at[0]), *path = cache_text(&cache, at[1]);
            if (name != NULL && path != NULL && strcmp(name, *soname) == 0)
                PX_TRY(add_candidate(s, path, PX_FOUND_LOADER));
        }
    }
done:
    px_file_unmap(&cache);
    return st;
}

static pgy_status *look_in_system(search *s)
{
    pgy_status *st = NULL;
    const char *dirs = env_text("LD_LIBRARY_PATH");
    px_buf_printf(&s->out->places, "  %s%sthe loader's cache and system folders (",
                  dirs != NULL ? dirs : "", dirs != NULL ? ", " : "");
    for (const char *const *name = s->runtime->sonames; *name != NULL; name++)
        px_buf_printf(&s->out->places, "%s%s", name == s->runtime->sonames ? "" : ", ", *name);
    px_buf_puts(&s->out->places, ")\n");
    PX_TRY(for_each_folder(s, dirs, look_for_loaders));
    PX_TRY(look_in_cache(s));
    for (size_t i = 0; i < PX_COUNTOF(system_folders); i++)
        PX_TRY(look_for_loaders(s, system_folders[i]));
done:
    return st;
}

pgy_status *px_discover(const px_runtime *runtime, px_discovery *out)
{
    pgy_status *st = NULL;
    px_discovery found = {0};
    search s = {.runtime = runtime, .out = &found};
    const char *chosen = runtime->variable != NULL ? env_text(runtime->variable) : NULL;
    const char *venv = env_text("VIRTUAL_ENV");
    char *folder = NULL;
    bool is_venv = false;

    if (chosen != NULL) {
        px_buf_printf(&found.places, "  %s (%s)\n", chosen, runtime->variable);
        if (px_path_is_dir(chosen))
            PX_TRY(look_for_sonames(&s, chosen, PX_FOUND_VARIABLE));
        else
            PX_TRY(add_candidate(&s, chosen, PX_FOUND_VARIABLE));
        goto complete;
    }
    if (runtime->variable != NULL)
        px_buf_printf(&found.places, "  the variable %s (not set)\n", runtime->variable);
    folder = px_backends_folder(runtime->backend);
    if (folder != NULL) {
        px_buf_printf(&found.places, "  %s\n", folder);
        PX_TRY(look_in_packages(&s, folder, PX_FOUND_INSTALLED));
    }
    if (venv != NULL) {
        px_buf_printf(&found.places, "  %s (VIRTUAL_ENV)\n", venv);
        PX_TRY(look_in_venv(&s, venv, PX_FOUND_VENV, &is_venv));
    }
    PX_TRY(for_each_folder(&s, env_text("PATH"), look_behind_python));
    PX_TRY(look_in_system(&s));
complete:
    PX_TRY(px_buf_status(&found.places));
    *out = found;
    found = (px_discovery){0};
done:
    px_mem_free(folder);
    px_discovery_fini(&found);
    return st;
}

void px_discovery_fini(px_discovery *d)
{
    for (size_t i = 0; i < d->n; i++)
        px_mem_free(d->at[i].path);
    px_mem_free(d->at);
    px_buf_fini(&d->places);
    *d = (px_discovery){0};
}

static pgy_status *missing(const px_runtime *runtime, px_discovery *d, px_str failures)
{
    return PX_FAIL(PGY_ERR_BACKEND,
                   "%s %s. Looked in:\n%s%.*s%sRun `polygraphy backends install %s` to get it, or "
                   "set %s to the library's path.",
                   runtime->title, failures.len > 0 ? "was found but cannot be used" : "is missing",
                   px_buf_cstr(&d->places), PX_STR_ARG(failures), failures.len > 0 ? "\n" : "",
                   runtime->backend, runtime->variable);
}

pgy_status *px_runtime_load(const px_runtime *runtime, px_runtime_load_fn load, void *user)
{
    pgy_status *st = NULL;
    px_discovery found = {0};
    px_buf failures = {0};
    bool is_loaded = false;

    PX_TRY(px_discover(runtime, &found));
    for (size_t i = 0; i < found.n && !is_loaded; i++) {
        pgy_status *failed = load(user, found.at[i].path, found.at[i].by);
        is_loaded = failed == NULL;
        if (pgy_status_code(failed) == PGY_ERR_NOMEM)
            PX_TRY(failed);
        if (failed != NULL)
            px_buf_printf(&failures, "  %s\n", pgy_status_message(failed));
        pgy_status_free(failed);
    }
    if (found.n == 0 && getenv(runtime->variable) == NULL)
        for (const char *const *name = runtime->sonames; *name != NULL && !is_loaded; name++) {
            pgy_status *failed = load(user, *name, PX_FOUND_LOADER);
            is_loaded = failed == NULL;
            pgy_status_free(failed);
        }
    if (!is_loaded)
        PX_TRY(missing(runtime, &found, px_buf_str(&failures)));
done:
    px_buf_fini(&failures);
    px_discovery_fini(&found);
    return st;
}
