/* report/doc/doc.c - chooses the format of a document and writes it. */
#include "report/doc/doc.h"
#include "base/file.h"
#include "report/doc/rows.h"

static const struct {
    const char *ending;
    pgy_status *(*put)(const px_doc *doc, const px_doc_rows *rows, px_buf *out);
} formats[] = {
    {".html", px_doc_put_html},   {".json", px_doc_put_json}, {".xml", px_doc_put_junit},
    {".md", px_doc_put_markdown}, {".csv", px_doc_put_csv},
};

static size_t format_of(const char *path)
{
    size_t i = 0;
    while (i < PX_COUNTOF(formats) && strcmp(px_path_ext(path), formats[i].ending) != 0)
        i++;
    return i;
}

bool px_doc_format_exists(const char *path)
{
    return format_of(path) < PX_COUNTOF(formats);
}

pgy_status *px_doc_save(const px_doc *doc, const char *path)
{
    pgy_status *st = NULL;
    px_buf text = {0};
    px_doc_rows rows = {0};
    const size_t format = format_of(path);
    PX_TRY(px_doc_rows_of(doc->accuracy, &rows));
    px_doc_rows_order(&rows, doc);
    PX_TRY(formats[format].put(doc, &rows, &text));
    PX_TRY(px_buf_status(&text));
    PX_TRY(px_file_write(path, text.ptr, text.len));
done:
    px_doc_rows_fini(&rows);
    px_buf_fini(&text);
    return px_status_while(st, "writing the report");
}
