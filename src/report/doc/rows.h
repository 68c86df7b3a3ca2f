/* report/doc/rows.h - the results of a document in a form that tables are made of. */
#ifndef PX_REPORT_ROWS_H
#define PX_REPORT_ROWS_H

#include "report/doc/doc.h"

/* One output of one pair under one function, over all iterations: the worst of them. */
typedef struct px_doc_row {
    const px_pair_result *pair;
    px_compare_func func;
    const px_output_result *worst;
    size_t worst_iteration, n_iterations, n_failed;
    const px_layer *layer; /* who computes it; NULL: not known */
    size_t mentioned;      /* place among the rows as first mentioned */
} px_doc_row;

typedef struct px_doc_rows {
    px_doc_row *at; /* by pair, function, layer, output as first mentioned */
    size_t n, cap;
    size_t n_failed;
} px_doc_rows;

PX_MUST_USE pgy_status *px_doc_rows_of(const px_accuracy *accuracy, px_doc_rows *out);
/* Finds the layers of the rows and puts them into the order in which they are computed. */
void px_doc_rows_order(px_doc_rows *rows, const px_doc *doc);
void px_doc_rows_fini(px_doc_rows *rows);

/* Largest absolute error over the largest magnitude of the second array; NaN where that says
 * nothing. */
double px_doc_error(const px_output_result *result);

/* "2 of 5 outputs differ", "all 5 outputs match", "nothing was compared". */
void px_doc_put_verdict(px_buf *b, const px_doc *doc, const px_doc_rows *rows);
/* Writes one line of the referee's finding; `line` 0 first. False: there are no more. With more
 * than three outputs the lines are a count and the first output beyond its type. */
bool px_doc_put_finding(px_buf *b, const px_referee *referee, size_t line);
/* "max abs 0.0012, max rel 3.1", or the metric and its threshold. */
void px_doc_put_errors(px_buf *b, const px_doc_row *row);
/* "#12 Conv 'conv1'"; nothing when the layer is NULL. */
void px_doc_put_layer(px_buf *b, const px_layer *layer);
/* A number of four digits; "-" for NaN. */
void px_doc_put_number(px_buf *b, double v);

/* Appends the document; one function a format. */
PX_MUST_USE pgy_status *px_doc_put_html(const px_doc *doc, const px_doc_rows *rows, px_buf *out);
PX_MUST_USE pgy_status *px_doc_put_json(const px_doc *doc, const px_doc_rows *rows, px_buf *out);
PX_MUST_USE pgy_status *px_doc_put_junit(const px_doc *doc, const px_doc_rows *rows, px_buf *out);
PX_MUST_USE pgy_status *px_doc_put_markdown(const px_doc *doc, const px_doc_rows *rows,
                                            px_buf *out);
PX_MUST_USE pgy_status *px_doc_put_csv(const px_doc *doc, const px_doc_rows *rows, px_buf *out);

/* Text with &, <, >, " and ' escaped, and what XML cannot hold replaced. */
void px_doc_put_xml(px_buf *b, const char *text);

#endif
