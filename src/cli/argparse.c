/* cli/argparse.c - the option engine.
 *
 * Three passes, as in argparse: every word is classified first (an option, a value, or the `--`
 * that ends options), so an ambiguous abbreviation anywhere is reported before anything else; then
 * options take the values behind them and the positional takes the first free value; what is left
 * over is collected and reported last.
 */
#include "cli/argparse.h"
#include "base/fmt.h"

/* One spelling of one option. */
typedef struct spelling {
    px_str name;
    const px_opt *row;
    size_t row_index; /* over all groups */
} spelling;

typedef struct word {
    char kind;         /* 'O' option, 'A' value, '-' the first `--` */
    const px_opt *row; /* NULL for an option nobody knows */
    size_t row_index;
    px_str name;          /* the full spelling it stands for */
    const char *explicit; /* value behind '=' or joined to a short switch, or NULL */
} word;

/* What is kept per row while parsing. */
typedef struct row_state {
    size_t group;
    bool seen;
    const char *late; /* what is wrong with the value, or NULL */
} row_state;

typedef struct parser {
    px_arena *arena;
    const px_opt_group *groups;
    size_t n_groups;
    char *target;
    spelling *names;
    size_t n_names;
    const px_opt **rows;
    row_state *states;
    size_t n_rows;
    const px_opt *positional;
    size_t positional_index;
    const char *const *texts;
    word *words;
    size_t n_words;
    const char **extras;
    size_t n_extras;
    px_parse_result *result;
} parser;

/* Ends the parse with what is wrong. Out of memory for the text is reported as such. */
static pgy_status *stop(parser *p, px_parse_kind kind, px_buf *text, const char *hint)
{
    pgy_status *st = px_buf_status(text);
    if (!st) {
        p->result->kind = kind;
        p->result->hint = hint;
        p->result->text = px_arena_strndup(p->arena, px_buf_cstr(text), text->len);
        if (!p->result->text)
            st = px_status_nomem();
    }
    px_buf_fini(text);
    return st;
}

static bool is_done(const parser *p)
{
    return p->result->kind != PX_PARSE_OK;
}

/* "argument --a/--b: text" */
static pgy_status *stop_argument(parser *p, const px_opt *row, const char *text, const char *hint)
{
    px_buf b = {0};
    px_buf_puts(&b, "argument ");
    px_opt_print_names(row, &b);
    px_buf_printf(&b, ": %s", text);
    return stop(p, PX_PARSE_ERROR, &b, hint);
}

static int tier_of(const px_opt *row)
{
    return row->flags & PX_OPT_OURS ? 2 : row->flags & PX_OPT_NEWER ? 1 : 0;
}

/* --- setting up --- */

static pgy_status *collect_rows(parser *p)
{
    size_t n_names = 0;
    for (size_t g = 0; g < p->n_groups; g++) {
        const px_opt_section *section = p->groups[g].section;
        p->n_rows += section->n;
        for (size_t r = 0; r < section->n; r++) {
            for (const char *c = section->rows[r].names; *c; c++)
                n_names += *c == '|';
            n_names++;
        }
    }
    p->names = px_arena_calloc(p->arena, n_names, sizeof *p->names);
    p->rows = px_arena_calloc(p->arena, p->n_rows, sizeof *p->rows);
    p->states = px_arena_calloc(p->arena, p->n_rows, sizeof *p->states);
    p->words = px_arena_calloc(p->arena, p->n_words, sizeof *p->words);
    p->extras = px_arena_calloc(p->arena, p->n_words, sizeof *p->extras);
    if (!p->names || !p->rows || !p->states || !p->words || !p->extras)
        return px_status_nomem();

    size_t index = 0;
    for (size_t g = 0; g < p->n_groups; g++) {
        const px_opt_section *section = p->groups[g].section;
        for (size_t r = 0; r < section->n; r++, index++) {
            const px_opt *row = &section->rows[r];
            size_t pos = 0;
            px_str name;
            p->rows[index] = row;
            p->states[index].group = g;
            if (row->names[0] != '-') {
                p->positional = row;
                p->positional_index = index;
                continue;
            }
            while (px_opt_next_name(row, &pos, &name))
                p->names[p->n_names++] = (spelling){name, row, index};
        }
    }
    return NULL;
}

/* --- first pass: what each word is --- */

static const spelling *find_exact(const parser *p, px_str name)
{
    for (size_t i = 0; i < p->n_names; i++) {
        if (px_str_eq(p->names[i].name, name))
            return &p->names[i];
    }
    return NULL;
}

/* -5, -5.5, -.5: values although they begin with a dash. */
static bool is_negative_number(const char *s)
{
    const char *digits = "0123456789";
    size_t n = strspn(s + 1, digits);
    const char *rest = s + 1 + n;
    if (*rest == '\0')
        return n > 0;
    if (*rest != '.')
        return false;
    n = strspn(rest + 1, digits);
    return n > 0 && rest[1 + n] == '\0';
}

/* Matches of an abbreviation within one tier: long options by prefix (up to '='), and `-vq` to the
 * short switch -v with the rest joined to it. */
static size_t find_abbreviated(const parser *p, px_str text, int tier, const spelling **out)
{
    const bool is_long = text.len > 1 && text.ptr[1] == '-';
    const char *equals = is_long ? memchr(text.ptr, '=', text.len) : NULL;
    px_str prefix = equals ? (px_str){text.ptr, (size_t)(equals - text.ptr)} : text;
    size_t n = 0;
    for (size_t i = 0; i < p->n_names; i++) {
        const spelling *s = &p->names[i];
        if (tier_of(s->row) != tier)
            continue;
        bool is_match =
            s->name.len >= prefix.len && memcmp(s->name.ptr, prefix.ptr, prefix.len) == 0;
        if (!is_long && s->name.len == 2 && s->name.ptr[1] == text.ptr[1])
            is_match = true;
        if (is_match)
            out[n++] = s;
    }
    return n;
}

static pgy_status *stop_ambiguous(parser *p, const char *text, const spelling *const *found,
                                  size_t n)
{
    px_buf b = {0};
    px_buf_printf(&b, "ambiguous option: %s could match ", text);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            px_buf_puts(&b, ", ");
        px_buf_putstr(&b, found[i]->name);
    }
    return stop(p, PX_PARSE_ERROR, &b, "Write one of these names in full.");
}

static void set_option(word *w, const spelling *s, const char *explicit)
{
    w->kind = 'O';
    w->row = s->row;
    w->row_index = s->row_index;
    w->name = s->name;
    w->explicit = explicit;
}

static pgy_status *classify(parser *p, size_t i, const spelling **scratch)
{
    const char *text = p->texts[i];
    word *w = &p->words[i];
    const char *equals = strchr(text, '=');
    const spelling *exact;

    w->kind = 'A';
    if (text[0] != '-')
        return NULL;
    exact = find_exact(p, px_str_of(text));
    if (exact) {
        set_option(w, exact, NULL);
        return NULL;
    }
    if (text[1] == '\0')
        return NULL;
    if (equals) {
        exact = find_exact(p, (px_str){text, (size_t)(equals - text)});
        if (exact) {
            set_option(w, exact, equals + 1);
            return NULL;
        }
    }
    size_t n = 0;
    for (int tier = 0; tier <= 2 && n == 0; tier++)
        n = find_abbreviated(p, px_str_of(text), tier, scratch);
    if (n > 1)
        return stop_ambiguous(p, text, scratch, n);
    if (n == 1) {
        bool is_long = text[1] == '-';
        set_option(w, scratch[0], is_long ? (equals ? equals + 1 : NULL) : text + 2);
        return NULL;
    }
    if (is_negative_number(text) || strchr(text, ' '))
        return NULL;
    w->kind = 'O';
    return NULL;
}

static pgy_status *classify_all(parser *p)
{
    const spelling **scratch = px_arena_calloc(p->arena, p->n_names, sizeof *scratch);
    if (!scratch)
        return px_status_nomem();
    for (size_t i = 0; i < p->n_words && !is_done(p); i++) {
        if (strcmp(p->texts[i], "--") == 0) {
            p->words[i].kind = '-';
            for (size_t k = i + 1; k < p->n_words; k++)
                p->words[k].kind = 'A';
            break;
        }
        pgy_status *st = classify(p, i, scratch);
        if (st)
            return st;
    }
    return NULL;
}

/* --- second pass: options take their values --- */

static bool is_choice(const px_opt *row, const char *text)
{
    for (const char *const *c = row->choices; *c; c++) {
        if (strcmp(*c, text) == 0)
            return true;
    }
    return false;
}

static pgy_status *check_choice(parser *p, const px_opt *row, const char *text)
{
    if (!row->choices || is_choice(row, text))
        return NULL;
    pgy_status *st = NULL;
    px_buf b = {0};
    const char *nearest = NULL;
    int best = 3;
    px_buf_puts(&b, "invalid choice: ");
    px_buf_repr(&b, px_str_of(text));
    px_buf_puts(&b, " (choose from ");
    for (const char *const *c = row->choices; *c; c++) {
        int distance = px_str_distance(px_str_of(*c), px_str_of(text));
        if (px_str_eq_nocase(px_str_of(*c), px_str_of(text)))
            distance = 0;
        if (distance < best) {
            best = distance;
            nearest = *c;
        }
        if (c != row->choices)
            px_buf_puts(&b, ", ");
        px_buf_repr(&b, px_str_of(*c));
    }
    px_buf_putc(&b, ')');
    PX_TRY(px_buf_status(&b));
    const char *hint = "Use one of the listed values.";
    if (nearest) {
        hint = px_arena_printf(p->arena, "Did you mean %s?", nearest);
        if (!hint)
            PX_TRY(px_status_nomem());
    }
    PX_TRY(stop_argument(p, row, px_buf_cstr(&b), hint));
done:
    px_buf_fini(&b);
    return st;
}

/* Another option of the same exclusive set that was given already, or NULL. */
static const px_opt *find_conflict(const parser *p, const px_opt *row)
{
    for (size_t i = 0; row->only_one_of && i < p->n_rows; i++) {
        const px_opt *other = p->rows[i];
        if (other != row && p->states[i].seen && other->only_one_of &&
            strcmp(other->only_one_of, row->only_one_of) == 0)
            return other;
    }
    return NULL;
}

static pgy_status *check_conflict(parser *p, const px_opt *row)
{
    const px_opt *other = find_conflict(p, row);
    if (!other)
        return NULL;
    pgy_status *st = NULL;
    px_buf b = {0};
    px_buf_puts(&b, "not allowed with argument ");
    px_opt_print_names(other, &b);
    PX_TRY(px_buf_status(&b));
    PX_TRY(stop_argument(p, row, px_buf_cstr(&b), "Give only one of the two."));
done:
    px_buf_fini(&b);
    return st;
}

/* What to write when the value of `row` has the wrong form. */
static const char *value_hint(parser *p, const px_opt *row)
{
    px_str name = px_opt_name(row);
    if (row->example)
        return px_arena_printf(p->arena, "For example: %s", row->example);
    if (row->type == &px_type_int)
        return px_arena_printf(p->arena, "Write a whole number: %.*s 5", PX_STR_ARG(name));
    return px_arena_printf(p->arena, "Write a number: %.*s 0.5", PX_STR_ARG(name));
}

/* Hands the words of one occurrence to the type of the row. */
static pgy_status *take_value(parser *p, size_t row_index, const char *const *words, size_t n)
{
    const px_opt *row = p->rows[row_index];
    row_state *state = &p->states[row_index];
    char *field = p->target + p->groups[state->group].offset + row->offset;
    const px_opt_use use = {p->arena, row, words, n};

    if (!(row->flags & PX_OPT_REPEATABLE))
        state->late = NULL;
    pgy_status *st = row->type->parse(&use, field);
    if (!st || pgy_status_code(st) == PGY_ERR_NOMEM)
        return st;
    const char *text = px_arena_printf(p->arena, "%s", pgy_status_message(st));
    pgy_status_free(st);
    if (!text)
        return px_status_nomem();
    if (!row->type->is_late)
        return stop_argument(p, row, text, value_hint(p, row));
    if (!state->late)
        state->late = text;
    return NULL;
}

/* One occurrence of an option with its words: choices, exclusion, then the value itself. */
static pgy_status *take(parser *p, size_t row_index, const char *const *words, size_t n)
{
    const px_opt *row = p->rows[row_index];
    row_state *state = &p->states[row_index];
    pgy_status *st = NULL;

    /* argparse converts before it looks at exclusion, so a wrong word is reported first. */
    for (size_t i = 0; i < n && !is_done(p) && !st; i++)
        st = check_choice(p, row, words[i]);
    if (!st && !is_done(p) && !(state->seen && row->flags & PX_OPT_FIRST_WINS))
        st = take_value(p, row_index, words, n);
    if (!st && !is_done(p)) {
        state->seen = true;
        st = check_conflict(p, row);
    }
    if (!st && !is_done(p) && row->flags & PX_OPT_HELP)
        p->result->kind = PX_PARSE_HELP;
    if (!st && !is_done(p) && row->flags & PX_OPT_VERSION)
        p->result->kind = PX_PARSE_VERSION;
    return st;
}

/* How many of the values from `begin` on the option takes. */
static size_t count_values(const parser *p, const px_opt *row, size_t begin)
{
    size_t limit = row->nargs == PX_NARGS_NONE                              ? 0
                   : row->nargs == PX_NARGS_1 || row->nargs == PX_NARGS_OPT ? 1
                                                                            : SIZE_MAX;
    size_t n = 0;
    while (n < limit && begin + n < p->n_words && p->words[begin + n].kind == 'A') {
        if (n > 0 && row->flags & PX_OPT_KNOWN_ONLY && !is_choice(row, p->texts[begin + n]))
            break;
        n++;
    }
    return n;
}

static pgy_status *stop_too_few(parser *p, const px_opt *row, size_t next)
{
    px_str name = px_opt_name(row);
    const char *text =
        row->nargs == PX_NARGS_1 ? "expected one argument" : "expected at least one argument";
    const char *hint;
    double number;
    if (next < p->n_words && p->words[next].kind == 'O' && !p->words[next].row &&
        px_parse_f64((px_str){p->texts[next], strcspn(p->texts[next], ",")}, &number))
        hint = px_arena_printf(p->arena,
                               "A value that begins with a dash must be joined with '=': "
                               "%.*s=%s",
                               PX_STR_ARG(name), p->texts[next]);
    else if (row->example)
        hint = px_arena_printf(p->arena, "For example: %s", row->example);
    else
        hint = px_arena_printf(p->arena, "Write a value behind it: %.*s %s", PX_STR_ARG(name),
                               row->metavar ? row->metavar : "VALUE");
    return hint ? stop_argument(p, row, text, hint) : px_status_nomem();
}

static pgy_status *stop_explicit(parser *p, const px_opt *row, const char *explicit)
{
    pgy_status *st = NULL;
    px_buf b = {0};
    px_buf_puts(&b, "ignored explicit argument ");
    px_buf_repr(&b, px_str_of(explicit));
    PX_TRY(px_buf_status(&b));
    PX_TRY(stop_argument(p, row, px_buf_cstr(&b), "This option is a switch and takes no value."));
done:
    px_buf_fini(&b);
    return st;
}

/* `-vvq`: acts on each switch of the chain but the last, and says which option is last and what is
 * joined to it. argparse checks the whole chain before it acts on any of it, hence two passes. */
static pgy_status *take_chain(parser *p, const word *w, size_t *out_index, const char **out_rest)
{
    const bool is_long = w->name.ptr[1] == '-';

    for (int pass = 0; pass < 2; pass++) {
        size_t index = w->row_index;
        const char *rest = w->explicit;
        while (rest && p->rows[index]->nargs == PX_NARGS_NONE) {
            const char name[2] = {'-', rest[0]};
            const spelling *next = find_exact(p, (px_str){name, 2});
            if (is_long || *rest == '\0' || !next)
                return stop_explicit(p, p->rows[index], rest);
            pgy_status *st = pass == 1 ? take(p, index, NULL, 0) : NULL;
            if (st || is_done(p))
                return st;
            index = next->row_index;
            rest = rest[1] ? rest + 1 : NULL;
        }
        *out_index = index;
        *out_rest = rest;
    }
    return NULL;
}

static pgy_status *take_option(parser *p, size_t *pos)
{
    const word *w = &p->words[*pos];
    size_t index = w->row_index;
    const char *rest = w->explicit;

    if (!w->row) {
        p->extras[p->n_extras++] = p->texts[(*pos)++];
        return NULL;
    }
    ++*pos;
    if (rest) {
        pgy_status *st = take_chain(p, w, &index, &rest);
        if (st || is_done(p))
            return st;
        if (rest)
            return take(p, index, &rest, 1);
    }
    const px_opt *row = p->rows[index];
    const size_t begin = *pos, n = count_values(p, row, begin);
    if (n == 0 && (row->nargs == PX_NARGS_1 || row->nargs == PX_NARGS_SOME))
        return stop_too_few(p, row, begin);
    *pos = begin + n;
    return take(p, index, p->texts + begin, n);
}

/* The free values from `pos` up to the next option: the positional takes the first one, together
 * with a `--` before or behind it; the rest is nobody's. */
static pgy_status *take_free(parser *p, size_t *pos)
{
    size_t end = *pos;
    pgy_status *st = NULL;
    while (end < p->n_words && p->words[end].kind != 'O')
        end++;
    if (p->positional) {
        p->positional = NULL;
        while (*pos < end && p->words[*pos].kind == '-')
            ++*pos;
        if (*pos < end) {
            st = take(p, p->positional_index, p->texts + *pos, 1);
            ++*pos;
        }
        while (*pos < end && p->words[*pos].kind == '-')
            ++*pos;
    }
    while (*pos < end)
        p->extras[p->n_extras++] = p->texts[(*pos)++];
    return st;
}

/* --- third pass: reports --- */

px_str px_argparse_nearest(const px_opt_group *groups, size_t n_groups, px_str text)
{
    px_str best = {0};
    const char *equals = memchr(text.ptr, '=', text.len);
    if (equals)
        text.len = (size_t)(equals - text.ptr);
    int limit = text.len < 8 ? 2 : 4;
    for (size_t g = 0; g < n_groups; g++) {
        for (size_t r = 0; r < groups[g].section->n; r++) {
            size_t pos = 0;
            px_str name;
            while (px_opt_next_name(&groups[g].section->rows[r], &pos, &name)) {
                int distance = px_str_distance(name, text);
                if (name.len > 2 && name.ptr[0] == '-' && distance < limit) {
                    limit = distance;
                    best = name;
                }
            }
        }
    }
    return best;
}

static pgy_status *report_extras(parser *p)
{
    pgy_status *st = NULL;
    px_buf b = {0}, hint = {0};
    px_buf_puts(&b, "Unrecognized Options: [");
    for (size_t i = 0; i < p->n_extras; i++) {
        const char *text = p->extras[i];
        px_str nearest = {0};
        if (i > 0)
            px_buf_puts(&b, ", ");
        px_buf_repr(&b, px_str_of(text));
        if (text[0] == '-' && text[1] != '\0')
            nearest = px_argparse_nearest(p->groups, p->n_groups, px_str_of(text));
        if (nearest.len > 0)
            px_buf_printf(&hint, "%sInstead of %s, did you mean %.*s?", hint.len ? " " : "", text,
                          PX_STR_ARG(nearest));
    }
    px_buf_putc(&b, ']');
    if (hint.len == 0)
        px_buf_puts(&hint, "polygraphy run --help lists every option; one model file is taken at "
                           "most.");
    PX_TRY(px_buf_status(&hint));
    const char *hint_text = px_arena_strndup(p->arena, hint.ptr, hint.len);
    if (!hint_text)
        PX_TRY(px_status_nomem());
    PX_TRY(stop(p, PX_PARSE_UNKNOWN, &b, hint_text));
done:
    px_buf_fini(&b);
    px_buf_fini(&hint);
    return st;
}

static pgy_status *collect_late(parser *p)
{
    px_opt_late *late = px_arena_calloc(p->arena, p->n_rows, sizeof *late);
    size_t n = 0;
    if (!late)
        return px_status_nomem();
    for (size_t i = 0; i < p->n_rows; i++) {
        if (p->states[i].late)
            late[n++] =
                (px_opt_late){p->groups[p->states[i].group].section, p->rows[i], p->states[i].late};
    }
    p->result->late = late;
    p->result->n_late = n;
    return NULL;
}

pgy_status *px_argparse(px_arena *arena, const px_opt_group *groups, size_t n_groups,
                        const char *const *words, size_t n_words, void *target,
                        px_parse_result *out)
{
    parser p = {.arena = arena,
                .groups = groups,
                .n_groups = n_groups,
                .target = target,
                .texts = words,
                .n_words = n_words,
                .result = out};
    pgy_status *st = NULL;

    *out = (px_parse_result){.kind = PX_PARSE_OK};
    PX_TRY(collect_rows(&p));
    PX_TRY(classify_all(&p));
    for (size_t pos = 0; pos < n_words && !is_done(&p);) {
        if (p.words[pos].kind == 'O')
            PX_TRY(take_option(&p, &pos));
        else
            PX_TRY(take_free(&p, &pos));
    }
    if (!is_done(&p) && p.n_extras > 0)
        PX_TRY(report_extras(&p));
    if (!is_done(&p))
        PX_TRY(collect_late(&p));
done:
    return st;
}
