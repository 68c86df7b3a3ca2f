/* backend/ref/op/ml_linear.c - linear models and support vector machines of ai.onnx.ml. */
#include "backend/ref/op/ml.h"

#include <math.h>

static double dot(const double *x, const float *w, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * (double)w[i];
    return sum;
}

static int64_t arg_max(const double *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

/* --- linear models --- */

typedef struct linear {
    const double *x;
    int64_t rows, cols, targets, n_intercepts;
    const float *coefficients, *intercepts;
    px_ml_transform transform;
} linear;

/* `targets` 0: as many as the coefficients make. */
static pgy_status *linear_of(px_ref_call *c, int64_t targets, linear *l)
{
    pgy_status *st = NULL;
    int64_t n;
    PX_TRY(px_ml_rows(c, &l->x, &l->rows, &l->cols));
    PX_TRY(px_ml_transform_of(c, &l->transform));
    l->coefficients = px_ml_floats(c, "coefficients", &n);
    l->intercepts = px_ml_floats(c, "intercepts", &l->n_intercepts);
    l->targets = targets > 0 ? targets : l->cols > 0 ? n / l->cols : 0;
    if (l->targets < 1 || l->cols < 1 || n % l->cols != 0 || n / l->cols != l->targets ||
        (l->intercepts && l->n_intercepts != l->targets))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "%lld coefficients and %lld intercepts for %lld features and %lld "
                           "targets",
                           (long long)n, (long long)l->n_intercepts, (long long)l->cols,
                           (long long)l->targets));
done:
    return st;
}

static void linear_row(const linear *l, int64_t r, double *out)
{
    for (int64_t t = 0; t < l->targets; t++)
        out[t] = dot(l->x + r * l->cols, l->coefficients + t * l->cols, l->cols) +
                 (l->intercepts ? (double)l->intercepts[t] : 0);
}

static pgy_status *linear_regressor(px_ref_call *c)
{
    pgy_status *st = NULL;
    linear l = {0};
    void *y;
    PX_TRY(linear_of(c, PX_MAX(px_ref_attr_i(c, "targets", 1), 1), &l));
    int64_t dims[2] = {l.rows, l.targets};
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, 2, dims, &y));
    for (int64_t r = 0; r < l.rows; r++) {
        linear_row(&l, r, (double *)y + r * l.targets);
        px_ml_transform_row(l.transform, (double *)y + r * l.targets, l.targets);
    }
done:
    return st;
}

static pgy_status *linear_classifier(px_ref_call *c)
{
    pgy_status *st = NULL;
    linear l = {0};
    px_ml_labels labels;
    double *scores;
    int64_t *at;
    void *y;
    PX_TRY(linear_of(c, 0, &l));
    PX_TRY(px_ml_labels_of(c, "classlabels_ints", &labels));
    bool is_binary = l.targets == 1 && labels.n == 2 && l.transform != PX_ML_PROBIT;
    int64_t width = is_binary ? 2 : l.targets, dims[2] = {l.rows, width};
    PX_TRY(PX_MOVE_SCRATCH(c, scores, l.targets + 2));
    PX_TRY(PX_MOVE_SCRATCH(c, at, l.rows));
    PX_TRY(px_ref_out(c, 1, PGY_DTYPE_F32, 2, dims, &y));
    for (int64_t r = 0; r < l.rows; r++) {
        linear_row(&l, r, scores);
        at[r] = l.targets == 1 ? scores[0] > 0 : arg_max(scores, l.targets);
        if (is_binary)
            px_ml_binary_scores(l.transform, PX_ML_SECOND_COMPLEMENT, scores[0], scores);
        else
            px_ml_transform_row(l.transform, scores, width);
        memcpy((double *)y + r * width, scores, (size_t)width * sizeof *scores);
    }
    PX_TRY(px_ml_labels_out(c, &labels, at, l.rows));
done:
    return st;
}

/* --- support vector machines --- */

typedef enum svm_kernel { SVM_LINEAR, SVM_POLY, SVM_RBF, SVM_SIGMOID } svm_kernel;

typedef struct svm {
    const double *x;
    int64_t rows, cols, n_vectors, n_coefficients, n_rho;
    const float *vectors, *coefficients, *rho; /* vectors: [n_vectors, cols] */
    svm_kernel kernel;
    double gamma, coef0, degree;
    px_ml_transform transform;
} svm;

static double svm_product(const svm *s, const double *x, const float *v)
{
    double sum = 0;
    if (s->kernel == SVM_RBF) {
        for (int64_t i = 0; i < s->cols; i++)
            sum += (x[i] - (double)v[i]) * (x[i] - (double)v[i]);
        return exp(-s->gamma * sum);
    }
    sum = dot(x, v, s->cols);
    if (s->kernel == SVM_POLY)
        return pow(s->gamma * sum + s->coef0, s->degree);
    return s->kernel == SVM_SIGMOID ? tanh(s->gamma * sum + s->coef0) : sum;
}

static pgy_status *svm_of(px_ref_call *c, int64_t n_vectors, svm *s)
{
    static const char *const kernels[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    pgy_status *st = NULL;
    int64_t n_params, n;
    PX_TRY(px_ml_rows(c, &s->x, &s->rows, &s->cols));
    PX_TRY(px_ml_transform_of(c, &s->transform));
    px_str name = px_ref_attr_s(c, "kernel_type", "LINEAR");
    size_t k = 0;
    while (k < PX_COUNTOF(kernels) && !px_str_is(name, kernels[k]))
        k++;
    const float *params = px_ml_floats(c, "kernel_params", &n_params);
    s->coefficients = px_ml_floats(c, "coefficients", &s->n_coefficients);
    s->rho = px_ml_floats(c, "rho", &s->n_rho);
    s->vectors = px_ml_floats(c, "support_vectors", &n);
    s->n_vectors = n_vectors;
    if (k == PX_COUNTOF(kernels) || (n_params != 0 && n_params != 3) || !s->rho ||
        !s->coefficients || n_vectors < 0 || n_vectors > n ||
        (n_vectors > 0 && (s->cols < 1 || n % n_vectors != 0 || n / n_vectors != s->cols)))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "The kernel, its parameters, rho, coefficients or %lld support vectors "
                           "of %lld numbers do not fit %lld features",
                           (long long)n_vectors, (long long)n, (long long)s->cols));
    s->kernel = n_vectors > 0 ? (svm_kernel)k : SVM_LINEAR;
    s->gamma = params ? (double)params[0] : 0;
    s->coef0 = params ? (double)params[1] : 0;
    s->degree = params ? trunc((double)params[2]) : 0;
done:
    return st;
}

static pgy_status *svm_regressor(px_ref_call *c)
{
    pgy_status *st = NULL;
    svm s = {0};
    void *out;
    PX_TRY(svm_of(c, px_ref_attr_i(c, "n_supports", 0), &s));
    if (s.n_coefficients != (s.n_vectors > 0 ? s.n_vectors : s.cols))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld coefficients", (long long)s.n_coefficients));
    bool one_class = px_ref_attr_i(c, "one_class", 0) != 0;
    int64_t dims[2] = {s.rows, 1};
    PX_TRY(px_ref_out(c, 0, PGY_DTYPE_F32, 2, dims, &out));
    double *y = out;
    for (int64_t r = 0; r < s.rows; r++) {
        const double *x = s.x + r * s.cols;
        y[r] = s.n_vectors > 0 ? 0 : dot(x, s.coefficients, s.cols);
        for (int64_t i = 0; i < s.n_vectors; i++)
            y[r] += (double)s.coefficients[i] * svm_product(&s, x, s.vectors + i * s.cols);
        y[r] += (double)s.rho[0];
        if (one_class)
            y[r] = y[r] > 0 ? 1 : -1;
        px_ml_transform_row(s.transform, y + r, 1);
    }
done:
    return st;
}

typedef struct svm_classes {
    int64_t n;                    /* classes */
    const int64_t *counts;        /* support vectors of each */
    const float *prob_a, *prob_b; /* per pair of classes; NULL: no probabilities */
    int64_t n_prob;
    double *kernels, *votes, *pairs, *r, *q, *qp; /* scratch: vectors, n, pairs, n*n, n*n, n */
} svm_classes;

/* One against one: a score and a vote for each pair of classes. */
static void svm_pairs(const svm *s, const svm_classes *k, const double *x)
{
    for (int64_t i = 0; i < s->n_vectors; i++)
        k->kernels[i] = svm_product(s, x, s->vectors + i * s->cols);
    for (int64_t i = 0; i < k->n; i++)
        k->votes[i] = 0;
    int64_t pair = 0, first_i = 0;
    for (int64_t i = 0; i < k->n; first_i += k->counts[i], i++) {
        int64_t first_j = first_i + k->counts[i];
        for (int64_t j = i + 1; j < k->n; first_j += k->counts[j], j++, pair++) {
            double sum = (double)s->rho[pair];
            for (int64_t v = 0; v < k->counts[i]; v++)
                sum += (double)s->coefficients[(j - 1) * s->n_vectors + first_i + v] *
                       k->kernels[first_i + v];
            for (int64_t v = 0; v < k->counts[j]; v++)
                sum += (double)s->coefficients[i * s->n_vectors + first_j + v] *
                       k->kernels[first_j + v];
            k->pairs[pair] = sum;
            k->votes[sum > 0 ? i : j] += 1;
        }
    }
}

/* Class probabilities from pairwise ones by the coupling of Wu, Lin and Weng (2004), method 2. */
static void svm_couple(const svm_classes *k, double *p)
{
    int64_t n = k->n;
    for (int64_t i = 0; i < n; i++) {
        p[i] = 1 / (double)n;
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t m = 0; i == j && m < n; m++)
                sum += m == i ? 0 : k->r[m * n + i] * k->r[m * n + i];
            k->q[i * n + j] = i == j ? sum : -k->r[j * n + i] * k->r[i * n + j];
        }
    }
    for (int64_t round = 0; round < PX_MAX(100, n); round++) {
        double total = 0, worst = 0;
        for (int64_t i = 0; i < n; i++) {
            k->qp[i] = 0;
            for (int64_t j = 0; j < n; j++)
                k->qp[i] += k->q[i * n + j] * p[j];
            total += p[i] * k->qp[i];
        }
        for (int64_t i = 0; i < n; i++)
            worst = PX_MAX(worst, fabs(k->qp[i] - total));
        if (worst < 0.005 / (double)n)
            break;
        for (int64_t i = 0; i < n; i++) {
            double d = (total - k->qp[i]) / k->q[i * n + i];
            p[i] += d;
            total = (total + d * (d * k->q[i * n + i] + 2 * k->qp[i])) / ((1 + d) * (1 + d));
            for (int64_t j = 0; j < n; j++) {
                k->qp[j] = (k->qp[j] + d * k->q[i * n + j]) / (1 + d);
                p[j] /= 1 + d;
            }
        }
    }
}

static void svm_probabilities(const svm_classes *k, double *out)
{
    int64_t pair = 0;
    for (int64_t i = 0; i < k->n; i++)
        for (int64_t j = i + 1; j < k->n; j++, pair++) {
            double v = k->pairs[pair] * (double)k->prob_a[pair] + (double)k->prob_b[pair];
            double p = PX_MIN(PX_MAX(1 / (1 + exp(v)), 1e-7), 1 - 1e-7);
            k->r[i * k->n + j] = p;
            k->r[j * k->n + i] = 1 - p;
        }
    svm_couple(k, out);
}

static pgy_status *svm_classes_of(px_ref_call *c, svm *s, const px_ml_labels *labels,
                                  svm_classes *k)
{
    pgy_status *st = NULL;
    int64_t n_counts, n_vectors = 0, n_b;
    k->counts = px_ml_ints(c, "vectors_per_class", &n_counts);
    k->n = PX_MAX(labels->n, 1);
    for (int64_t i = 0; i < n_counts; i++) {
        if (k->counts[i] < 0 || k->counts[i] > INT32_MAX)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "vectors_per_class holds %lld",
                               (long long)k->counts[i]));
        n_vectors += k->counts[i];
    }
    PX_TRY(svm_of(c, n_vectors, s));
    if (n_vectors == 0) { /* a linear model with one row of coefficients per class */
        if (s->n_coefficients != k->n * s->cols)
            PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL, "%lld coefficients for %lld classes",
                               (long long)s->n_coefficients, (long long)k->n));
        goto done;
    }
    k->prob_a = px_ml_floats(c, "prob_a", &k->n_prob);
    k->prob_b = px_ml_floats(c, "prob_b", &n_b);
    int64_t n_pairs = k->n * (k->n - 1) / 2;
    if (n_counts != k->n || k->n < 2 || k->n > 65536 || s->n_rho < n_pairs ||
        s->n_coefficients != (k->n - 1) * n_vectors ||
        (k->prob_a && (k->n_prob != n_pairs || n_b != n_pairs)))
        PX_TRY(PX_REF_FAIL(c, PGY_ERR_MODEL,
                           "%lld classes do not fit the coefficients, rho or probabilities",
                           (long long)k->n));
    PX_TRY(PX_MOVE_SCRATCH(c, k->kernels, n_vectors));
    PX_TRY(PX_MOVE_SCRATCH(c, k->votes, k->n));
    PX_TRY(PX_MOVE_SCRATCH(c, k->pairs, n_pairs));
    PX_TRY(PX_MOVE_SCRATCH(c, k->r, k->n * k->n));
    PX_TRY(PX_MOVE_SCRATCH(c, k->q, k->n * k->n));
    PX_TRY(PX_MOVE_SCRATCH(c, k->qp, k->n));
done:
    return st;
}

/* Position of a row's label, and what to do with a single score. */
static int64_t svm_label(const svm *s, const svm_classes *k, const double *scores, int64_t n_scores,
                         int64_t n_labels, px_ml_second *second)
{
    const double *ranked = s->n_vectors > 0 ? k->votes : scores;
    int64_t best = arg_max(ranked, s->n_vectors > 0 ? k->n : n_scores);
    bool is_softmax = s->transform == PX_ML_SOFTMAX || s->transform == PX_ML_SOFTMAX_ZERO;
    *second = s->n_rho != 1 || n_labels != 2 ? PX_ML_SECOND_NONE
              : is_softmax                   ? PX_ML_SECOND_COMPLEMENT
                                             : PX_ML_SECOND_NEGATIVE;
    return s->n_rho == 1 && n_labels != 2 ? ranked[best] > 0 : best;
}

static pgy_status *svm_classifier(px_ref_call *c)
{
    pgy_status *st = NULL;
    svm s = {0};
    svm_classes k = {0};
    px_ml_labels labels;
    int64_t *at;
    double *scores;
    void *y;
    PX_TRY(px_ml_labels_of(c, "classlabels_ints", &labels));
    PX_TRY(svm_classes_of(c, &s, &labels, &k));
    int64_t n = s.n_vectors == 0 || k.prob_a ? k.n : k.n * (k.n - 1) / 2;
    PX_TRY(PX_MOVE_SCRATCH(c, at, s.rows));
    PX_TRY(PX_MOVE_SCRATCH(c, scores, PX_MAX(n, 2)));
    bool doubles = n == 1 && s.n_rho == 1 && labels.n == 2 && s.transform != PX_ML_PROBIT;
    int64_t dims[2] = {s.rows, doubles ? 2 : n};
    PX_TRY(px_ref_out(c, 1, PGY_DTYPE_F32, 2, dims, &y));
    for (int64_t r = 0; r < s.rows; r++) {
        const double *x = s.x + r * s.cols;
        if (s.n_vectors > 0)
            svm_pairs(&s, &k, x);
        for (int64_t i = 0; s.n_vectors == 0 && i < n; i++)
            scores[i] = dot(x, s.coefficients + i * s.cols, s.cols) + (double)s.rho[0];
        if (k.prob_a)
            svm_probabilities(&k, scores);
        else if (s.n_vectors > 0)
            memcpy(scores, k.pairs, (size_t)n * sizeof *scores);
        px_ml_second second;
        at[r] = svm_label(&s, &k, scores, n, labels.n, &second);
        if (n == 1)
            px_ml_binary_scores(s.transform, second, scores[0], scores);
        else
            px_ml_transform_row(s.transform, scores, n);
        memcpy((double *)y + r * dims[1], scores, (size_t)dims[1] * sizeof *scores);
    }
    if (labels.n == 1) /* the one label says nothing: 0 and 1 are given */
        labels = (px_ml_labels){0};
    PX_TRY(px_ml_labels_out(c, &labels, at, s.rows));
done:
    return st;
}

static const px_ref_op rows[] = {
    {"ai.onnx.ml", "LinearClassifier", 1, 1, 1, 2, 2, linear_classifier},
    {"ai.onnx.ml", "LinearRegressor", 1, 1, 1, 1, 1, linear_regressor},
    {"ai.onnx.ml", "SVMClassifier", 1, 1, 1, 2, 2, svm_classifier},
    {"ai.onnx.ml", "SVMRegressor", 1, 1, 1, 1, 1, svm_regressor},
};

const px_ref_family px_ref_family_ml_linear = {rows, PX_COUNTOF(rows)};
