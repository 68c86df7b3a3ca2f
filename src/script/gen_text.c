/* script/gen_text.c - Python text under construction. */
#include "script/gen_text.h"
#include "base/fmt.h"

#include <math.h>

const char *px_gen_take(px_gen *g, px_buf *text)
{
    const px_str whole = px_buf_str(text); /* empty when it failed */
    const char *out = px_arena_strndup(&g->arena, whole.ptr, whole.len);
    if (out == NULL || text->failed)
        g->failed = true;
    px_buf_fini(text);
    return out != NULL ? out : "";
}

const char *px_gen_printf(px_gen *g, const char *fmt, ...)
{
    px_buf b = {0};
    va_list args;
    va_start(args, fmt);
    px_buf_vprintf(&b, fmt, args);
    va_end(args);
    return px_gen_take(g, &b);
}

/* Makes room for one element of a list; false (and sticky) when memory is out. */
static bool room(px_gen *g, pgy_status *st)
{
    g->failed |= st != NULL;
    pgy_status_free(st);
    return st == NULL;
}

const char *px_gen_from(px_gen *g, const char *module, const char *name, const char *alias)
{
    const char *text = alias ? px_gen_printf(g, "%s as %s", name, alias) : name;
    for (size_t i = 0; i < g->imports.n; i++) {
        if (strcmp(g->imports.at[i].module, module) == 0 &&
            strcmp(g->imports.at[i].text, text) == 0)
            return alias ? alias : name;
    }
    if (room(g, PX_RESERVE(&g->imports, 1)))
        g->imports.at[g->imports.n++] = (px_gen_import){module, text};
    return alias ? alias : name;
}

void px_gen_lazy(px_gen *g, const char *alias, const char *what)
{
    for (size_t i = 0; i < g->lazy.n; i++) {
        if (strcmp(g->lazy.at[i].module, alias) == 0)
            return;
    }
    if (room(g, PX_RESERVE(&g->lazy, 1)))
        g->lazy.at[g->lazy.n++] = (px_gen_import){alias, what};
}

const char *px_gen_assign(px_gen *g, px_buf *section, const char *base, const char *value)
{
    size_t same_base = 0;
    for (size_t i = 0; i < g->variables.n; i++) {
        const px_gen_variable *v = &g->variables.at[i];
        if (strcmp(v->base, base) != 0)
            continue;
        if (strcmp(v->value, value) == 0)
            return v->name;
        same_base++;
    }
    const char *name = same_base ? px_gen_printf(g, "%s_%zu", base, same_base) : base;
    if (room(g, PX_RESERVE(&g->variables, 1)))
        g->variables.at[g->variables.n++] = (px_gen_variable){base, name, value};
    px_buf_printf(section, "%s = %s\n", name, value);
    return name;
}

/* --- expressions --- */

const char *px_gen_repr(px_gen *g, const char *text)
{
    px_buf b = {0};
    if (text == NULL)
        return NULL;
    px_buf_repr(&b, px_str_of(text));
    return px_gen_take(g, &b);
}

static void put_float(px_buf *b, double v)
{
    if (isnan(v))
        px_buf_puts(b, "float('nan')");
    else if (isinf(v))
        px_buf_puts(b, v < 0 ? "float('-inf')" : "float('inf')");
    else
        px_fmt_repr_f64(b, v);
}

void px_gen_put_value(px_buf *b, const px_cast *value)
{
    if (value->kind == PX_CAST_FLOAT)
        put_float(b, value->f);
    else
        px_cast_repr(b, value);
}

const char *px_gen_int(px_gen *g, const px_opt_int *option)
{
    return option->given ? px_gen_printf(g, "%lld", (long long)option->value) : NULL;
}

const char *px_gen_float(px_gen *g, const px_opt_float *option)
{
    px_buf b = {0};
    if (!option->given)
        return NULL;
    put_float(&b, option->value);
    return px_gen_take(g, &b);
}

const char *px_gen_str(px_gen *g, const px_opt_str *option)
{
    return option->given ? px_gen_repr(g, option->value ? option->value : "") : NULL;
}

const char *px_gen_strs(px_gen *g, const px_opt_strs *option)
{
    px_buf b = {0};
    if (!option->given)
        return NULL;
    px_buf_putc(&b, '[');
    for (size_t i = 0; i < option->n; i++) {
        px_buf_puts(&b, i ? ", " : "");
        px_buf_repr(&b, px_str_of(option->at[i]));
    }
    px_buf_putc(&b, ']');
    return px_gen_take(g, &b);
}

const char *px_gen_true(const px_opt_flag *option)
{
    return option->given ? "True" : NULL;
}

const char *px_gen_false(const px_opt_flag *option)
{
    return option->given ? "False" : NULL;
}

const char *px_gen_keyed(px_gen *g, const px_opt_keyed *option)
{
    px_buf b = {0};
    if (!option->given)
        return NULL;
    px_buf_putc(&b, '{');
    for (size_t i = 0; i < option->n; i++) {
        px_buf_puts(&b, i ? ", " : "");
        px_buf_repr(&b, px_str_of(option->at[i].key));
        px_buf_puts(&b, ": ");
        px_gen_put_value(&b, &option->at[i].value);
    }
    px_buf_putc(&b, '}');
    return px_gen_take(g, &b);
}

const char *px_gen_script(px_gen *g, const px_opt_script *script, const char *default_func)
{
    px_gen_call c =
        px_gen_call_begin(g, px_gen_from(g, "polygraphy.backend.common", "InvokeFromScript", NULL));
    px_gen_pos(&c, px_gen_repr(g, script->path));
    px_gen_kw(&c, "name", px_gen_repr(g, script->func ? script->func : default_func));
    return px_gen_call_end(&c);
}

/* --- calls --- */

px_gen_call px_gen_call_begin(px_gen *g, const char *callee)
{
    px_gen_call call = {.g = g};
    px_buf_printf(&call.text, "%s(", callee);
    return call;
}

static void next_argument(px_gen_call *call)
{
    if (call->has_any)
        px_buf_puts(&call->text, ", ");
    call->has_any = true;
}

void px_gen_pos(px_gen_call *call, const char *value)
{
    next_argument(call);
    px_buf_puts(&call->text, value ? value : "None");
}

void px_gen_kw(px_gen_call *call, const char *name, const char *value)
{
    if (value == NULL)
        return;
    next_argument(call);
    call->has_keyword = true;
    px_buf_printf(&call->text, "%s=%s", name, value);
}

const char *px_gen_call_end(px_gen_call *call)
{
    px_buf_putc(&call->text, ')');
    return px_gen_take(call->g, &call->text);
}
