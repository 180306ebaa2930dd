import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { listCases } from '../../test/fixture.ts'
import { ModelError } from '../errors.ts'
import { InertObject } from '../pickle/values.ts'
import { lowerModel } from '../sklearn/lower.ts'
import { estimatorOf, readModelFile } from './read-file.ts'
import { reportOf } from './report.ts'

const FIXTURES = new URL('../../test/fixtures/', import.meta.url)
const cases = listCases(FIXTURES.pathname)
const open = (name: string) => readModelFile(readFileSync(new URL(name, FIXTURES)))

/** Why a file is refused when it is read. Some are read and refused later, for what they mean. */
function refusalOf(path: string): string {
  try {
    estimatorOf(readModelFile(readFileSync(path)))
    return 'read'
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    return `${error.kind}: ${error.message}`
  }
}

test('hostile and foreign files are refused with the reason; classes without a meaning are only read', () => {
  const refusals = cases
    .filter(({ meta }) => meta.contract === 'refuse')
    .flatMap(({ name, folder, meta }) =>
      Object.keys(meta.files).map((file) => [name.split('/')[1]!, refusalOf(`${folder}/${file}`)]),
    )

  expect(Object.fromEntries(refusals)).toMatchInlineSnapshot(`
    {
      "refused-after-stop": "hostile: the file goes on for 68 bytes after its end; save the model again, alone, with joblib.dump",
      "refused-array": "format: the file holds a numpy array: data or weights, not a model; save the fitted estimator with joblib.dump",
      "refused-build-on-function": "hostile: the file would call os.system.__setstate__; do not load it in Python; nothing was run here",
      "refused-callable-analyzer": "hostile: the file would call builtins.getattr(builtins.str); a method cannot be read out of a file: use an option of the estimator instead of a function",
      "refused-class-itself": "format: the file holds the class sklearn.ensemble._forest.RandomForestClassifier itself, not a model; save the fitted object, not what makes it",
      "refused-custom-transformer": "read",
      "refused-dataframe": "format: the file holds a pandas DataFrame: data, not a model; save the fitted estimator with joblib.dump",
      "refused-deep-nesting": "limit: the file has more than 500 levels of nesting; no model we know needs as many; raise the limit if this one does",
      "refused-dict": "format: the file holds 'model' (a sklearn.ensemble._forest.RandomForestClassifier), 'when' (a dictionary); what 'when' does to a row cannot be told; deploy FILE#model alone when 'when' does nothing to a row; else name the steps: FILE#model --after … --encode COLUMN=… --columns …",
      "refused-empty": "format: the file is empty; upload it again",
      "refused-eval": "hostile: the file would call builtins.eval; do not load it in Python; nothing was run here",
      "refused-exec": "hostile: the file would call __builtin__.exec; do not load it in Python; nothing was run here",
      "refused-extension-code": "format: the pickle names classes by numbers of a registry of the program that wrote it; save it again with pickle.dump or joblib.dump",
      "refused-getattr-chain": "hostile: the file would call builtins.getattr(posix.stat_result); a method cannot be read out of a file: use an option of the estimator instead of a function",
      "refused-huge-length": "corrupt: the file ends in the middle of a value (byte 11); copy it again, it was probably cut on the way",
      "refused-import-module": "hostile: the file would call importlib.import_module; do not load it in Python; nothing was run here",
      "refused-inside-dict-key": "hostile: the file would call posix.system; do not load it in Python; nothing was run here",
      "refused-inside-forest": "hostile: the file would call posix.system; do not load it in Python; nothing was run here",
      "refused-inside-object-array": "hostile: the file would call posix.system; do not load it in Python; nothing was run here",
      "refused-lambda": "hostile: step 'functiontransformer': the file would call joblib.externals.cloudpickle.cloudpickle._builtin_type, joblib.externals.cloudpickle.cloudpickle._make_function, joblib.externals.cloudpickle.cloudpickle_fast._function_setstate; functions stored as code cannot be read: use a scikit-learn transformer instead of a lambda or own function",
      "refused-main-function": "read",
      "refused-memo-confusion": "hostile: the file would call os.system; do not load it in Python; nothing was run here",
      "refused-not-fitted": "read",
      "refused-numpy-function": "read",
      "refused-numpy-load": "hostile: the file would call numpy.load; do not load it in Python; nothing was run here",
      "refused-old-joblib": "format: the file is written by joblib before 0.10; load it with its own joblib and save it again with joblib 0.10 or later",
      "refused-os-system": "hostile: the file would call posix.system; do not load it in Python; nothing was run here",
      "refused-os-system-p0": "hostile: the file would call posix.system; do not load it in Python; nothing was run here",
      "refused-out-of-band": "format: the pickle keeps its arrays in buffers outside of the file; save it again without buffer_callback",
      "refused-partial": "read",
      "refused-persistent-id": "format: the pickle refers to objects kept outside of it (persistent ids, as torch.save writes them); export a torch model to ONNX",
      "refused-popped-call": "hostile: the file would call posix.system; do not load it in Python; nothing was run here",
      "refused-stack-global": "hostile: the file would call os.system; do not load it in Python; nothing was run here",
      "refused-subclass": "read",
      "refused-text": "format: the file is a text file; upload the trained model, saved with joblib.dump",
      "refused-torch-legacy": "format: the file is a PyTorch model; export it as ONNX and deploy that file: torch.onnx.export(model, example, "model.onnx", dynamo=False, dynamic_axes={"input": {0: "rows"}}, input_names=["input"])",
      "refused-torch-zip": "format: the file is a PyTorch model; export it as ONNX and deploy that file: torch.onnx.export(model, example, "model.onnx", dynamo=False, dynamic_axes={"input": {0: "rows"}}, input_names=["input"])",
      "refused-truncated": "corrupt: the file ends in the middle of a value (byte 11); copy it again, it was probably cut on the way",
      "refused-unknown-library": "read",
      "refused-zlib-bomb": "limit: the file unpacks to more than 13049400 bytes; if it is honest, save it again without compression",
    }
  `)
})

describe('files that must be read', () => {
  const readable = cases.filter(
    ({ meta }) => meta.contract !== 'refuse' && meta.estimator?.startsWith('sklearn'),
  )

  test.each(readable.map((golden) => [golden.name, golden] as const))('%s', (_, { folder, meta }) => {
    for (const name of Object.keys(meta.files)) {
      const file = readModelFile(readFileSync(`${folder}/${name}`))
      const named = file.globals
        .map((global) => global.name)
        .filter((global) => !global.startsWith('joblib.'))

      expect(estimatorOf(file), name).toBeInstanceOf(InertObject)
      expect(named, name).toEqual(expect.arrayContaining([meta.estimator]))
    }
  })
})

test('a file says how it was packed', () => {
  const forest = 'scikit-learn-1.3.2/rf-three/'
  const packed = readdirSync(new URL(forest, FIXTURES))
    .filter((file) => file.startsWith('model.'))
    .map((file) => [file, open(forest + file)] as const)

  expect(
    Object.fromEntries(packed.map(([name, file]) => [name, `${file.container} ${file.compression}`])),
  ).toEqual({
    'model.compress3.joblib': 'joblib zlib',
    'model.joblib': 'joblib none',
    'model.joblib.bz2': 'joblib bz2',
    'model.joblib.gz': 'joblib gzip',
    'model.joblib.lz4': 'joblib lz4',
    'model.joblib.lzma': 'joblib lzma',
    'model.joblib.xz': 'joblib xz',
    'model.joblib.z': 'joblib zlib',
  })
})

test('all protocols of one forest hold the same object', () => {
  const roots = ['model.joblib', 'model.p0.pkl'].map((file) => open(`scikit-learn-1.3.2/tree-binary/${file}`))

  expect(roots.map(({ protocol }) => protocol)).toEqual([4, 0])
  expect(lowerModel(estimatorOf(roots[1]!))).toEqual(lowerModel(estimatorOf(roots[0]!)))
})

test('a file over the size limit is not looked at', () => {
  expect(() => readModelFile(new Uint8Array(11), { maxFileBytes: 10 })).toThrow(
    'the file has 11 bytes, more than 10',
  )
})

test('the report shows the way from the outside in', () => {
  const file = open('scikit-learn-1.5.2/churn-grid/model.p2.pkl')

  const report = reportOf(file, estimatorOf(file))

  expect({ ...report, globals: report.globals.filter(({ called }) => called) }).toMatchInlineSnapshot(`
    {
      "bytes": 7349,
      "compression": "none",
      "container": "pickle",
      "decompressedBytes": 7349,
      "estimator": "sklearn.model_selection._search.GridSearchCV",
      "globals": [
        {
          "called": true,
          "name": "__builtin__.slice",
        },
        {
          "called": true,
          "name": "_codecs.encode",
        },
        {
          "called": true,
          "name": "numpy._core.multiarray._reconstruct",
        },
        {
          "called": true,
          "name": "numpy._core.multiarray.scalar",
        },
        {
          "called": true,
          "name": "numpy.dtype",
        },
        {
          "called": true,
          "name": "numpy.ma.core._mareconstruct",
        },
      ],
      "library": "scikit-learn",
      "libraryVersion": "1.5.2",
      "notes": [],
      "protocol": 2,
      "steps": [
        {
          "class": "sklearn.model_selection._search.GridSearchCV",
          "parameters": {
            "cv": 2,
            "error_score": "NaN",
            "n_jobs": null,
            "pre_dispatch": "2*n_jobs",
            "refit": true,
            "return_train_score": false,
            "scoring": "roc_auc",
            "verbose": 0,
          },
          "path": [],
          "version": "1.5.2",
        },
        {
          "class": "sklearn.pipeline.Pipeline",
          "parameters": {
            "memory": null,
            "verbose": false,
          },
          "path": [
            "best estimator",
          ],
          "version": "1.5.2",
        },
        {
          "class": "sklearn.compose._column_transformer.ColumnTransformer",
          "parameters": {
            "force_int_remainder_cols": true,
            "n_jobs": null,
            "remainder": "drop",
            "sparse_threshold": 0.3,
            "transformer_weights": null,
            "verbose": false,
            "verbose_feature_names_out": true,
          },
          "path": [
            "best estimator",
            "step 'columns'",
          ],
          "version": "1.5.2",
        },
        {
          "class": "sklearn.pipeline.Pipeline",
          "parameters": {
            "memory": null,
            "verbose": false,
          },
          "path": [
            "best estimator",
            "step 'columns'",
            "transformer 'num'",
          ],
          "version": "1.5.2",
        },
        {
          "class": "sklearn.impute._base.SimpleImputer",
          "parameters": {
            "add_indicator": false,
            "copy": true,
            "fill_value": null,
            "keep_empty_features": false,
            "missing_values": "NaN",
            "strategy": "median",
          },
          "path": [
            "best estimator",
            "step 'columns'",
            "transformer 'num'",
            "step 'impute'",
          ],
          "version": "1.5.2",
        },
        {
          "class": "sklearn.preprocessing._data.StandardScaler",
          "parameters": {
            "copy": true,
            "with_mean": true,
            "with_std": true,
          },
          "path": [
            "best estimator",
            "step 'columns'",
            "transformer 'num'",
            "step 'scale'",
          ],
          "version": "1.5.2",
        },
        {
          "class": "sklearn.pipeline.Pipeline",
          "parameters": {
            "memory": null,
            "verbose": false,
          },
          "path": [
            "best estimator",
            "step 'columns'",
            "transformer 'cat'",
          ],
          "version": "1.5.2",
        },
        {
          "class": "sklearn.impute._base.SimpleImputer",
          "parameters": {
            "add_indicator": false,
            "copy": true,
            "fill_value": "missing",
            "keep_empty_features": false,
            "missing_values": null,
            "strategy": "constant",
          },
          "path": [
            "best estimator",
            "step 'columns'",
            "transformer 'cat'",
            "step 'impute'",
          ],
          "version": "1.5.2",
        },
        {
          "class": "sklearn.preprocessing._encoders.OneHotEncoder",
          "parameters": {
            "categories": "auto",
            "drop": null,
            "feature_name_combiner": "concat",
            "handle_unknown": "ignore",
            "max_categories": null,
            "min_frequency": null,
            "sparse_output": true,
          },
          "path": [
            "best estimator",
            "step 'columns'",
            "transformer 'cat'",
            "step 'encode'",
          ],
          "version": "1.5.2",
        },
        {
          "class": "sklearn.linear_model._logistic.LogisticRegression",
          "parameters": {
            "C": 1,
            "class_weight": null,
            "dual": false,
            "fit_intercept": true,
            "intercept_scaling": 1,
            "l1_ratio": null,
            "max_iter": 500,
            "multi_class": "deprecated",
            "n_jobs": null,
            "penalty": "l2",
            "solver": "lbfgs",
            "tol": 0.0001,
            "verbose": 0,
            "warm_start": false,
          },
          "path": [
            "best estimator",
            "step 'model'",
          ],
          "version": "1.5.2",
        },
      ],
      "unverified": [],
    }
  `)
  expect(JSON.parse(JSON.stringify(report))).toEqual(report)
})
