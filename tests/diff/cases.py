"""Command lines for the differential test.

A chain is a list of steps that share a folder. A step is a command line, or (command line, options):
    exit   how exit codes are judged: "same" (default) or a number that ours must give
    text   False: compare the verdict lines only, not the whole log (our words may differ); None: nothing
    ours   True: run with our program only (a later step checks the file it makes)
    files  files that both sides must have written with equal content
Every chain names the reference version whose behaviour it follows.
Words in braces name files of real models; chains with them are skipped aloud without the models.
"""

SEED, NEW = "0.49.26", "0.53.6"

REAL = {
    "basic": "basic-pitch/basic_pitch/saved_models/icassp_2022/nmp.onnx",
    "mel": "openwakeword/openwakeword/resources/models/melspectrogram.onnx",
    "embedding": "openwakeword/openwakeword/resources/models/embedding_model.onnx",
    "mycroft": "openwakeword/openwakeword/resources/models/hey_mycroft_v0.1.onnx",
    "jarvis": "openwakeword/openwakeword/resources/models/hey_jarvis_v0.1.onnx",
    "timer": "openwakeword/openwakeword/resources/models/timer_v0.1.onnx",
    "vad": "openwakeword/openwakeword/resources/models/silero_vad.onnx",
    "magika": "magika/magika/models/standard_v3_3/model.onnx",
    "det": "rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
    "rec": "rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
    "cls": "rapidocr/rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
    "rawi": "text2tashkeel/text2tashkeel/models/rawi.int8.onnx",
    "bilstm": "text2tashkeel/text2tashkeel/models/bilstm.int8.onnx",
    "squeezenet": "light/onnx/backend/test/data/light/light_squeezenet.onnx",
    "shufflenet": "light/onnx/backend/test/data/light/light_shufflenet.onnx",
}

VERDICT = {"text": False}


def saved(*files, **more):
    return {"files": list(files), **more}


CHAINS = []


def chain(version, *steps):
    CHAINS.append((version, [s if isinstance(s, tuple) else (s, {}) for s in steps]))


# --- one and two runners, iterations, verbosity ---
chain(SEED, "identity.onnx --onnxrt")
chain(SEED, "identity.onnx --onnxrt --onnxrt")
chain(SEED, "identity.onnx --onnxrt --onnxrt --onnxrt")
chain(SEED, "identity.onnx --onnxrt --onnxrt --iterations 3")
chain(SEED, "identity.onnx --onnxrt --onnxrt --iters 0")
chain(SEED, "identity.onnx --onnxrt --onnxrt --warm-up 2 --iterations 2")
chain(SEED, "identity.onnx --onnxrt --warm-up 3")
chain(SEED, "identity.onnx --onnxrt --onnxrt -q")
chain(SEED, "identity.onnx --onnxrt --onnxrt -qq")
chain(SEED, "identity.onnx --onnxrt --onnxrt -qqq")
chain(SEED, "identity.onnx --onnxrt --onnxrt -qqqq")
chain(SEED, "identity.onnx --onnxrt --onnxrt -qqqqq")
chain(SEED, "identity.onnx --onnxrt --onnxrt --silent")
chain(SEED, "identity.onnx --onnxrt --onnxrt -v", "identity.onnx --onnxrt --onnxrt -vv")
chain(SEED, "identity.onnx --onnxrt --verbosity ERROR", "identity.onnx --onnxrt --verbosity verbose -q")
chain(SEED, "identity.onnx --onnxrt --verbosity backend/onnxrt:error comparator/comparator.py:verbose")
chain(SEED, "identity.onnx --onnxrt --verbosity warning backend:verbose")
chain(SEED, "identity.onnx --onnxrt -q --verbosity backend:verbose info")
chain(SEED, "identity.onnx --onnxrt --log-format no-colors")
chain(SEED, "identity.onnx --onnxrt --log-file logs/run.log -q")
chain(SEED, "multi.onnx --onnxrt --onnxrt", "multi.onnx --onnxrt --onnxrt --iterations 2 --seed 9")
chain(SEED, "scalar.onnx --onnxrt --onnxrt", "scalar.onnx --onnxrt --onnxrt -v")
chain(SEED, "big.onnx --onnxrt --onnxrt", "colon.onnx --onnxrt --onnxrt")
chain(SEED, "reshape.onnx --onnxrt --onnxrt --input-shapes shape:[3,4]")
chain(SEED, "two.onnx --onnxrt --onnxrt", "two.onnx --onnxrt --onnxrt --input-shapes image:[2,3] other_input:[2,3]")
chain(SEED, "two.onnx --onnxrt --input-shapes other_input:[1,4] image:[5,4] --onnxrt --val-range image:[-3,3]")
chain(SEED, "identity.onnx", "--load-outputs nope.json")
chain(SEED, "")

# --- inputs ---
chain(SEED, ("multi.onnx --onnxrt --save-inputs in.json", saved("in.json")))
chain(SEED, ("multi.onnx --onnxrt --save-inputs in.json --iterations 3 --seed 5", saved("in.json")))
chain(SEED, ("multi.onnx --onnxrt --save-inputs in.json --val-range [0,100]", saved("in.json")))
chain(
    SEED,
    (
        "multi.onnx --onnxrt --save-inputs in.json --val-range f:[-1,1] i8:[-100,100] u64:[0,1000000] [2,7]",
        saved("in.json"),
    ),
)
chain(SEED, ("multi.onnx --onnxrt --save-inputs in.json --val-range f:[-1e3,1e3] nope:[0,1]", saved("in.json")))
chain(SEED, ("multi.onnx --onnxrt --save-inputs in.json --int-min -4 --int-max 9", VERDICT))
chain(SEED, ("multi.onnx --onnxrt --save-inputs in.json --float-min -3 --float-max 0.5", saved("in.json")))
chain(
    SEED, ("multi.onnx --onnxrt --save-inputs in.json --int-max 100 --float-min -2 --val-range [0,3]", saved("in.json"))
)
chain(SEED, ("multi.onnx --onnxrt --save-inputs in.json --seed 0", saved("in.json")))
chain(SEED, ("multi.onnx --onnxrt --save-inputs in.json --seed 4294967295", saved("in.json")))
chain(SEED, ("multi.onnx --onnxrt --save-inputs in.json --seed 4294967296", {"text": False}))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json", saved("in.json")))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json --input-shapes x:[7,3]", saved("in.json")))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json --input-shapes x:[0,3]", saved("in.json")))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json --input-shapes *:[4,3]", saved("in.json")))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json --input-shapes [xy]:[4,3]", saved("in.json")))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json --input-shapes X:[4,3]", saved("in.json")))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json --input-shapes y:[4,3] z*:[1]", saved("in.json")))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json --input-shapes x:[N,3]", saved("in.json")))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json --input-shapes x:[4,5]", saved("in.json")))
chain(SEED, ("dyn.onnx --onnxrt --save-inputs in.json --input-shapes x:[4,3,1]", saved("in.json")))
chain(SEED, ("reshape.onnx --onnxrt --save-inputs in.json --input-shapes shape:[4,3]", saved("in.json")))
chain(SEED, ("reshape.onnx --onnxrt --save-inputs in.json --val-range shape:[12,12]", VERDICT))
chain(SEED, ("colon.onnx --onnxrt --save-inputs in.json --input-shapes in:0:[3,2]", saved("in.json")))
chain(SEED, "identity.onnx --onnxrt --val-range [5,2]", "identity.onnx --onnxrt --val-range [0,inf]")
chain(
    SEED,
    ("multi.onnx --onnxrt --val-range i32:[5,2]", VERDICT),
    ("multi.onnx --onnxrt --val-range i32:[0,inf]", VERDICT),
)
chain(
    SEED,
    ("multi.onnx --onnxrt --val-range u8:[-1,5]", VERDICT),
    ("multi.onnx --onnxrt --val-range u8:[0,256]", VERDICT),
)

# --- saving and loading ---
chain(
    SEED,
    ("identity.onnx --onnxrt --save-inputs in.json --save-outputs out.json", saved("in.json", "out.json")),
    "identity.onnx --onnxrt --load-inputs in.json --load-outputs out.json",
    (
        "identity.onnx --onnxrt --save-inputs d/in2.json --save-outputs d/out2.json --iterations 2",
        saved("d/in2.json", "d/out2.json"),
    ),
    "identity.onnx --onnxrt --load-inputs d/in2.json --load-outputs d/out2.json",
    "identity.onnx --onnxrt --load-inputs in.json d/in2.json --load-outputs out.json out.json",
    "identity.onnx --onnxrt --load-inputs in.json --seed 4 --iterations 3 --val-range [0,1]",
    "--load-outputs out.json",
    "--load-outputs out.json out.json",
    "--load-outputs out.json d/out2.json",
    "identity.onnx --load-outputs out.json out.json",
    "--load-outputs out.json out.json --validate",
    ("--load-outputs in.json out.json", VERDICT),
    ("identity.onnx --onnxrt --load-inputs out.json", VERDICT),
    ("identity.onnx --onnxrt --load-inputs nope.json", VERDICT),
    ("--load-outputs nope.json out.json", VERDICT),
    ("multi.onnx --onnxrt --load-inputs in.json", VERDICT),
    "big.onnx --onnxrt --load-outputs out.json",
)
chain(
    SEED,
    ("multi.onnx --onnxrt --onnxrt --save-outputs out.json --iterations 2", saved("out.json")),
    "--load-outputs out.json",
    "multi.onnx --onnxrt --iterations 2 --load-outputs out.json",
    "--load-outputs out.json out.json --fail-fast",
    "--load-outputs out.json --compare indices",
)

# --- comparison ---
SMALL = (
    "identity.onnx --onnxrt --save-outputs s1.json --seed 1 -qqq",
    "identity.onnx --onnxrt --save-outputs s2.json --seed 2 -qqq",
)
BIG = (
    "big.onnx --onnxrt --save-outputs b1.json --seed 1 -qqq",
    "big.onnx --onnxrt --save-outputs b2.json --seed 2 -qqq",
)
MULTI = (
    "multi.onnx --onnxrt --save-outputs m1.json --seed 1 -qqq --iterations 2",
    "multi.onnx --onnxrt --save-outputs m2.json --seed 2 -qqq --iterations 2 --val-range [-9,9]"
    " u8:[0,9] u16:[0,9] u32:[0,9] u64:[0,9]",
)
chain(
    SEED,
    *SMALL,
    "--load-outputs s1.json s2.json",
    "--load-outputs s1.json s2.json -v",
    "--load-outputs s1.json s2.json -vv",
    "--load-outputs s1.json s2.json -q",
    "--load-outputs s1.json s2.json -qqq",
    "--load-outputs s1.json s2.json s1.json",
    "--load-outputs s1.json s2.json s1.json --fail-fast",
    "--load-outputs s1.json s2.json --atol 1 --rtol 1e-9",
    "--load-outputs s1.json s2.json --rtol 30",
    "--load-outputs s1.json s2.json --rtol y:30",
    "--load-outputs s1.json s2.json --atol nope:1",
    "--load-outputs s1.json s2.json --atol 0.1 y:2",
    "--load-outputs s1.json s2.json --atol y:2 0.1",
)
chain(
    SEED,
    *SMALL,
    *(
        "--load-outputs s1.json s2.json --check-error-stat " + s
        for s in (
            "max",
            "mean",
            "median",
            "elemwise",
            "quantile",
            "max mean",
            "y:max",
            "quantile --error-quantile 0.9",
            "quantile --error-quantile 0",
            "quantile --error-quantile y:1",
            "mean --atol 0.35",
            "median --atol 0.3413",
            "max --atol 0.7",
            "quantile --atol 0.7 --error-quantile 0.5",
        )
    ),
    ("--load-outputs s1.json s2.json --check-error-stat quantile --error-quantile 2", VERDICT),
)
chain(
    SEED,
    *BIG,
    "--load-outputs b1.json b2.json",
    "--load-outputs b1.json b2.json --check-error-stat mean",
    "--load-outputs b1.json b2.json --atol 1",
    "--load-outputs b1.json b2.json -v",
)
chain(
    SEED,
    *MULTI,
    "--load-outputs m1.json m2.json",
    "--load-outputs m1.json m2.json --fail-fast",
    "--load-outputs m1.json m2.json --atol 100",
    "--load-outputs m1.json m2.json --atol 100 f_o:0.001",
    "--load-outputs m1.json m2.json --check-error-stat max f_o:mean i8_o:median u64_o:quantile --atol 5",
    "--load-outputs m2.json m1.json",
    "--load-outputs m1.json m2.json --validate",
    "--load-outputs m1.json m2.json --infinities-compare-equal",
)
chain(
    SEED, *SMALL, *BIG, "--load-outputs s1.json b1.json", ("--load-outputs s1.json b1.json --no-shape-check", VERDICT)
)
chain(
    SEED,
    "nan.onnx --onnxrt --onnxrt",
    "nan.onnx --onnxrt --onnxrt --infinities-compare-equal",
    "nan.onnx --onnxrt --validate",
    "nan.onnx --onnxrt --validate -vv",
    "identity.onnx --onnxrt --validate",
    "identity.onnx --onnxrt --onnxrt --validate --iterations 2",
)
chain(
    SEED,
    "id210.onnx --onnxrt --onnxrt --postprocess top-3 --compare indices",
    "id210.onnx --onnxrt --onnxrt --postprocess top-3,axis=0",
    "id210.onnx --onnxrt --onnxrt --postprocess y:top-2",
    "id210.onnx --onnxrt --onnxrt --postprocess nope:top-2",
    "id210.onnx --onnxrt --onnxrt --postprocess top-0",
    "id210.onnx --onnxrt --save-outputs i1.json --seed 1 -qqq",
    "id210.onnx --onnxrt --save-outputs i2.json --seed 5 -qqq",
    "--load-outputs i1.json i2.json --postprocess top-3 --compare indices --index-tolerance 1",
    "--load-outputs i1.json i2.json --postprocess top-3 --compare indices",
    "--load-outputs i1.json i2.json --postprocess top-10 --compare indices --index-tolerance 9",
    "--load-outputs i1.json i2.json --postprocess top-10 --compare indices --index-tolerance y:0 9",
    "--load-outputs i1.json i2.json --postprocess top-3 --compare indices --fail-fast",
    "--load-outputs i1.json i2.json --compare indices --rtol 1 --atol 2",
    ("id210.onnx --onnxrt --onnxrt --postprocess top-3,axis=5", VERDICT),
)
chain(
    SEED,
    "dyn.onnx --onnxrt --onnxrt --input-shapes x:[0,3]",
    "dyn.onnx --onnxrt --onnxrt --input-shapes x:[0,3] --check-error-stat max",
    "dyn.onnx --onnxrt --onnxrt --input-shapes x:[0,3] --check-error-stat mean",
)

# --- metrics and other things of the newer version: its words, so verdicts only ---
METRICS = (
    "l2",
    "cosine_similarity",
    "psnr",
    "snr",
    "distance_metrics",
    "quality_metrics",
    "simple l2",
    "l2 simple indices",
    "l2 cosine_similarity psnr snr",
)
chain(
    NEW,
    *SMALL,
    *((f"--load-outputs s1.json s2.json --compare {m}", VERDICT) for m in METRICS),
    *((f"--load-outputs s1.json s1.json --compare {m}", VERDICT) for m in METRICS),
    ("--load-outputs s1.json s2.json --compare l2 --l2-threshold 0.9", VERDICT),
    ("--load-outputs s1.json s2.json --compare l2 --l2-threshold y:0.8", VERDICT),
    ("--load-outputs s1.json s2.json --compare cosine_similarity --cosine-similarity-threshold 0.4", VERDICT),
    ("--load-outputs s1.json s2.json --compare psnr --psnr-threshold 4", VERDICT),
    ("--load-outputs s1.json s2.json --compare snr --snr-tolerance -1", VERDICT),
    ("--load-outputs s1.json s2.json --check-average --check-error-stat max", VERDICT),
    ("--load-outputs s1.json s2.json --check-average --check-error-stat mean --atol 0.35", VERDICT),
    ("--load-outputs s1.json s2.json --check-average", VERDICT),
    ("--load-outputs s1.json s2.json --check-average --compare indices", VERDICT),
    ("--load-outputs s1.json s2.json --check-average --check-error-stat max --fail-fast", VERDICT),
    ("--load-outputs s1.json s2.json --compare psnr --check-average --psnr-threshold 3", VERDICT),
    (
        "--load-outputs s1.json s2.json --save-accuracy-results acc.json --compare simple l2 cosine_similarity psnr snr",
        saved("acc.json", text=False),
    ),
    ("--load-outputs s1.json s1.json --save-accuracy-results acc2.json", saved("acc2.json", text=False)),
)
chain(
    NEW,
    *((line, VERDICT) for line in MULTI),
    *((f"--load-outputs m1.json m2.json --compare {m}", VERDICT) for m in ("simple", "cosine_similarity")),
    (
        "--load-outputs m1.json m2.json --save-accuracy-results acc.json --check-error-stat mean",
        saved("acc.json", text=False),
    ),
)
chain(
    NEW,
    (
        "multi.onnx --onnxrt --save-input-blob blobs --iterations 2",
        saved("blobs/0000000000/f.bin", "blobs/0000000001/u64.bin", "blobs/0000000001/b.bin", text=False),
    ),
)
chain(
    NEW,
    *(
        (f"identity.onnx --onnxrt --graph-optimization-level {level}", VERDICT)
        for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL", "ORT_NOPE")
    ),
)

# --- scripts: scripts/*.py beside the models ---
LOADER = "identity.onnx --onnxrt --data-loader-script data.py"
chain(
    SEED,
    (LOADER + " --save-outputs o.json --save-inputs i.json", saved("o.json", "i.json")),
    *(
        (f"{LOADER}:{f} --save-outputs {f}.json", saved(f"{f}.json"))
        for f in ("as_list", "as_tuple", "Iterable", "Indexed", "beside", "many", "wrong_dtype", "wrong_name")
        + ("wrong_shape", "more", "empty", "saves")
    ),
    (LOADER + ":not_contiguous --save-outputs n.json", saved("n.json", text=False)),
    (LOADER + ":none", {"text": None, "exit": 1}),
    (LOADER + " --onnxrt --warm-up 2 --iterations 7 --seed 9", {}),
    (LOADER + " -v", {}),
    (LOADER + ":logs", VERDICT),
    (LOADER + ":prints", {}),
    ("identity.onnx --onnxrt --data-loader-script data.py --data-loader-func-name as_list", {}),
    ("multi.onnx --onnxrt --onnxrt --data-loader-script data.py:multi", VERDICT),
    ("identity.onnx --data-loader-script data.py:nope", {}),
    (LOADER + " --onnxrt --load-outputs o.json", {}),
)
chain(
    SEED,
    *(
        (f"{LOADER}:{f} --onnxrt", VERDICT)
        for f in ("nope", "not_dicts", "one_dict", "number", "int_keys", "lists", "second_is_wrong", "raises")
        + ("raises_later", "wants_argument", "bad_import", "not_callable")
    ),
    (LOADER + ":exits", {"text": None, "exit": 1}),
    ("identity.onnx --onnxrt --data-loader-script no_such_file.py", VERDICT),
    ("identity.onnx --onnxrt --data-loader-script broken.py", VERDICT),
)
chain(
    SEED,
    *SMALL,
    "identity.onnx --onnxrt --save-outputs s3.json --iterations 3 -qqq",
    *(
        f"--load-outputs s1.json s2.json --compare-func-script compare.py{f}"
        for f in ("", ":strict", ":never", ":half", ":empty", ":truthy", ":changes_arrays", ":instance")
    ),
    "--load-outputs s3.json s3.json --compare-func-script compare.py",
    "--load-outputs s1.json s2.json s1.json --compare-func-script compare.py:never --fail-fast",
    "--load-outputs s1.json s2.json s1.json --compare-func-script compare.py:strict",
    "identity.onnx --onnxrt --onnxrt --iterations 3 --compare-func-script compare.py:strict",
    "--load-outputs s1.json s2.json --compare-func-script compare.py --compare indices --rtol 3",
    *(
        (f"--load-outputs s1.json s2.json --compare-func-script compare.py:{f}", VERDICT)
        for f in ("nope", "boolean", "nothing", "unclear", "raises", "one_argument")
    ),
    ("--load-outputs s1.json s2.json --compare-func-script compare.py:exits", {"text": None, "exit": 1}),
)
chain(
    NEW,
    *((line, VERDICT) for line in SMALL),
    ("identity.onnx --onnxrt --save-outputs s3.json --iterations 3 -qqq", VERDICT),
    *(
        (f"--load-outputs s1.json s2.json --compare-func-script compare.py{f} --save-accuracy-results a{i}.json",
         saved(f"a{i}.json", text=False))
        for i, f in enumerate(["", ":never", ":empty", ":Derived", ":Instance"])
    ),
    ("--load-outputs s3.json s3.json --compare-func-script compare.py:Instance", VERDICT),
    ("--load-outputs s1.json s2.json --compare-func-script compare.py --check-average", VERDICT),
    ("--load-outputs s1.json s2.json --compare-func-script compare.py:WantsArguments", VERDICT),
    *(
        (f"--load-outputs s1.json {other} --postprocess-func-script post.py{f}", VERDICT)
        for f in ("", ":same", ":renamed", ":in_place", ":set_item", ":Instance", ":top_k")
        for other in ("s1.json", "s2.json")
    ),
    ("--load-outputs s3.json s3.json --postprocess-func-script post.py --postprocess top-1", VERDICT),
    ("--load-outputs s1.json s2.json --postprocess-func-script post.py --compare-func-script compare.py", VERDICT),
    *(
        (f"--load-outputs s1.json s2.json --postprocess-func-script post.py:{f}", VERDICT)
        for f in ("nope", "nothing", "a_list", "scalar", "raises")
    ),
)
# The same with NVIDIA's package in the Python that runs the scripts.
THEIRS = {"package": "theirs"}
chain(
    NEW,
    *((line, VERDICT) for line in SMALL),
    (LOADER + ":logs", {**VERDICT, **THEIRS}),
    (LOADER + ":saves --save-outputs o.json", saved("o.json", **VERDICT, **THEIRS)),
    *(
        (f"--load-outputs s1.json s2.json --compare-func-script compare.py:{f}", {**VERDICT, **THEIRS})
        for f in ("compare_outputs", "strict", "changes_arrays", "Derived", "raises")
    ),
    *(
        (f"--load-outputs s1.json s2.json --postprocess-func-script post.py:{f}", {**VERDICT, **THEIRS})
        for f in ("postprocess_outputs", "in_place", "renamed", "scalar")
    ),
)
# --- an input of unknown rank is a scalar ---
chain(SEED, ("norank.onnx --onnxrt --save-inputs i.json --save-outputs o.json", saved("i.json", "o.json")))

# --- providers and other errors ---
chain(
    SEED,
    "identity.onnx --onnxrt --providers cpu",
    "identity.onnx --onnxrt --providers CPUExecutionProvider",
    "identity.onnx --onnxrt --execution-providers CPUExec",
    "identity.onnx --onnxrt --providers cpu azure",
    "identity.onnx --onnxrt --providers cpu azure cpu",
    ("identity.onnx --onnxrt --providers nope", VERDICT),
    ("identity.onnx --onnxrt --providers cuda cpu", VERDICT),
)
chain(
    SEED,
    ("nope.onnx --onnxrt", VERDICT),
    ("nope.xyz --onnxrt", VERDICT),
    ("--onnxrt", VERDICT),
    ("identity.onnx --onnxrt --rtol", VERDICT),
    ("identity.onnx --onnxrt --bogus 5", VERDICT),
    ("identity.onnx --onnxrt --iter 3", VERDICT),
    ("identity.onnx --onnxrt --seed x", VERDICT),
    ("identity.onnx --onnxrt --compare nope", VERDICT),
    ("identity.onnx --onnxrt --check-error-stat nope", VERDICT),
    ("string.onnx --onnxrt", VERDICT),
    ("--rtol 1e-3 identity.onnx --onnxrt", VERDICT),
)

# --- real models: inputs and ONNX Runtime outputs bit for bit ---
RUNS = (
    "{basic}",
    "{mel} --input-shapes input:[1,16000]",
    "{embedding}",
    "{embedding} --input-shapes input_1:[3,76,32,1]",
    "{mycroft}",
    "{jarvis}",
    "{timer}",
    "{vad} --input-shapes input:[1,512] --val-range sr:[16000,16000]",
    "{magika} --val-range bytes:[0,256]",
    "{magika} --val-range bytes:[0,256] --input-shapes bytes:[4,2048]",
    "{det} --input-shapes x:[1,3,160,160]",
    "{rec} --input-shapes x:[1,3,48,160]",
    "{cls} --input-shapes x:[1,3,48,192]",
    "{rawi} --input-shapes input:[1,24] --val-range [0,30]",
    "{bilstm} --input-shapes input_ids:[1,24] --val-range [0,30]",
    "{squeezenet}",
    "{shufflenet} --seed 7",
)
for run in RUNS:
    chain(
        SEED,
        (
            f"{run} --onnxrt --onnxrt --save-inputs in.json --save-outputs out.json --iterations 2",
            saved("in.json", "out.json"),
        ),
    )
chain(SEED, "{mel}", ("{mel} --onnxrt", VERDICT))

# --- shape inference: what runs after it gives the same numbers; its own words are ours ---
chain(SEED, ("dyn.onnx --onnxrt --shape-inference --input-shapes x:[2,3]", VERDICT))
chain(SEED, ("identity.onnx --onnxrt --onnxrt --do-shape-inference", VERDICT))
chain(SEED, "identity.onnx --onnxrt --no-onnxruntime-shape-inference")
chain(SEED, ("loop.onnx --onnxrt --shape-inference", VERDICT), ("function.onnx --onnxrt --shape-inference", VERDICT))
for model in ("two.onnx", "multi.onnx", "{timer}", "{jarvis}", "{squeezenet}"):
    for how in ("", " --no-onnxruntime-shape-inference"):
        chain(
            SEED,
            (
                f"{model} --onnxrt --shape-inference{how} --save-inputs in.json --save-outputs out.json",
                saved("in.json", "out.json", text=False),
            ),
        )
