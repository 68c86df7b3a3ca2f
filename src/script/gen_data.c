/* script/gen_data.c - where a script's inputs come from. */
#include "script/gen_parts.h"

#define COMPARATOR "polygraphy.comparator"

/* TensorMetadata().add('x', None, [1, 3]) */
static const char *metadata(px_gen *g, const px_opt_shapes *shapes)
{
    px_buf b = {0};
    if (!shapes->given)
        return NULL;
    px_buf_printf(&b, "%s()", px_gen_from(g, "polygraphy.common", "TensorMetadata", NULL));
    for (size_t i = 0; i < shapes->n; i++) {
        px_buf_puts(&b, ".add(");
        px_buf_repr(&b, px_str_of(shapes->at[i].name));
        px_buf_puts(&b, ", None, ");
        px_opt_shape_print(&b, &shapes->at[i]);
        px_buf_putc(&b, ')');
    }
    return px_gen_take(g, &b);
}

/* {'': (0, 1), 'x': (2.0, 3.5)} */
static const char *ranges(px_gen *g, const px_data_args *data)
{
    px_buf b = {0};
    if (data->n_ranges == 0)
        return NULL;
    for (size_t i = 0; i < data->n_ranges; i++) {
        px_buf_puts(&b, i ? ", " : "{");
        px_buf_repr(&b, px_str_of(data->ranges[i].input));
        px_buf_puts(&b, ": (");
        px_gen_put_value(&b, &data->ranges[i].low);
        px_buf_puts(&b, ", ");
        px_gen_put_value(&b, &data->ranges[i].high);
        px_buf_putc(&b, ')');
    }
    px_buf_putc(&b, '}');
    return px_gen_take(g, &b);
}

static const char *pair(px_gen *g, const char *low, const char *high)
{
    if (low == NULL && high == NULL)
        return NULL;
    return px_gen_printf(g, "(%s, %s)", low ? low : "None", high ? high : "None");
}

static void generated(px_gen *g)
{
    const px_data_args *data = g->args->data;
    px_gen_call c = px_gen_call_begin(g, "DataLoader");
    px_gen_kw(&c, "seed", px_gen_int(g, &data->seed));
    px_gen_kw(&c, "iterations", px_gen_int(g, &data->iterations));
    px_gen_kw(&c, "input_metadata", metadata(g, &g->args->model->input_shapes));
    px_gen_kw(&c, "int_range",
              pair(g, px_gen_int(g, &data->int_min), px_gen_int(g, &data->int_max)));
    px_gen_kw(&c, "float_range",
              pair(g, px_gen_float(g, &data->float_min), px_gen_float(g, &data->float_max)));
    px_gen_kw(&c, "val_range", ranges(g, data));
    px_gen_kw(&c, "data_loader_backend_module", px_gen_str(g, &data->data_loader_backend_module));
    bool has_keyword = c.has_keyword;
    const char *call = px_gen_call_end(&c);
    if (has_keyword) {
        px_gen_from(g, COMPARATOR, "DataLoader", NULL);
        g->data_loader_use = px_gen_assign(g, &g->data_loader, "data_loader", call);
    }
}

static void loaded(px_gen *g)
{
    const char *paths = px_gen_strs(g, &g->args->data->load_inputs);
    g->data_loader_use = "data_loader";
    if (g->args->dialect == PX_GEN_0_53) {
        px_buf_printf(&g->data_loader, "data_loader = %s(%s, allow_dirs=True)\n",
                      px_gen_from(g, COMPARATOR, "StreamingDataLoader", NULL), paths);
        return;
    }
    px_gen_from(g, "polygraphy.json", "load_json", NULL);
    px_buf_printf(&g->data_loader,
                  "data_loader = []\nfor input_data_path in %s:\n"
                  "    data_loader.extend(load_json(input_data_path, description='input data'))\n",
                  paths);
}

static void scripted(px_gen *g, const px_opt_script *script)
{
    px_gen_from(g, "polygraphy", "mod", NULL);
    px_gen_call c = px_gen_call_begin(g, "mod.import_from_script");
    px_gen_pos(&c, px_gen_repr(g, script->path));
    px_gen_kw(&c, "name", px_gen_repr(g, script->func ? script->func : "load_data"));
    px_buf_printf(&g->data_loader, "data_loader = %s\n", px_gen_call_end(&c));
    g->data_loader_use = "data_loader()";
}

void px_gen_data_loader(px_gen *g)
{
    if (g->args->data->load_inputs.given)
        loaded(g);
    else if (g->args->data->data_loader_script.given)
        scripted(g, &g->args->data->data_loader_script);
    else
        generated(g);
}
