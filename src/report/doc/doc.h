/* report/doc/doc.h - `--report`: one document about a run, in five formats.
 *
 * The ending of the file chooses: .html (one self-contained page), .json (docs/report.schema.json),
 * .xml (JUnit), .md (for a pull request), .csv (every number of every comparison). A document is
 * made of what the stations of the run found; everything here is borrowed from them.
 */
#ifndef PX_REPORT_DOC_H
#define PX_REPORT_DOC_H

#include "compare/advise.h"
#include "compare/compare.h"
#include "compare/referee.h"
#include "report/doc/exhibit.h"
#include "report/layers.h"
#include "runner/latency.h"

typedef struct px_doc_runner {
    const char *name;
    size_t n_iterations;
    bool is_loaded; /* out of a file: nothing was run */
    px_latency latency;
} px_doc_runner;

typedef struct px_doc {
    const char *command; /* argv joined by spaces */
    const char *model;   /* NULL without one */
    const char *date;    /* local time, "2026-11-24 11:30:00" */
    const char *host;    /* system and processors */
    double seconds;      /* of the run so far */
    bool passed;
    bool is_validated, is_valid; /* --validate was given; it found nothing bad */

    px_doc_runner *runners;
    size_t n_runners;
    const px_accuracy *accuracy; /* no pairs when nothing was compared */
    const px_advice *advice;
    size_t n_advice;
    const px_referee *referee; /* no outputs when it was not called for */
    const px_exhibits *exhibits;
    const px_layers *layers; /* of the pairs, in their order; none when nobody asked for them */
    size_t n_layers;
} px_doc;

/* True when the ending names a format. */
bool px_doc_format_exists(const char *path);
/* Writes the document, atomically. The format must exist. Errors: IO. */
PX_MUST_USE pgy_status *px_doc_save(const px_doc *doc, const char *path);

#endif
