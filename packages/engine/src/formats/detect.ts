import { latin1 } from '../bytes/text.ts'
import { ModelError } from '../errors.ts'

/** A kind of file that is not a pickle, and what its owner can do. */
export type Format = {
  readonly name: string
  readonly test: (file: Sample) => boolean
  readonly hint: string
}

/** The parts of a file that formats are told by. */
type Sample = {
  readonly bytes: Uint8Array
  /** First kilobytes as latin1. */
  readonly head: string
  /** Last kilobytes as latin1: the directory of a zip archive. */
  readonly tail: string
}

const HEAD_BYTES = 4096
const TAIL_BYTES = 65536

const BOOSTER_JSON = 'save the model with save_model("model.json")'
const SAVE_MODEL = 'upload the trained model, saved with joblib.dump'
const EXPORT_ONNX = 'export it as ONNX and deploy that file'
const EXPORT_KERAS = 'export it as ONNX and deploy that file: model.export("model.onnx", format="onnx")'
const EXPORT_TORCH =
  'export it as ONNX and deploy that file: torch.onnx.export(model, example, "model.onnx", dynamo=False, dynamic_axes={"input": {0: "rows"}}, input_names=["input"])'

const starts =
  (...prefixes: readonly string[]) =>
  ({ head }: Sample): boolean =>
    prefixes.some((prefix) => head.startsWith(prefix))

/** A zip archive with a file whose name ends like this. */
const zipWith =
  (name: string) =>
  ({ head, tail }: Sample): boolean =>
    head.startsWith('PK\x03\x04') && tail.includes(name)

const json =
  (...marks: readonly string[]) =>
  ({ head }: Sample): boolean =>
    /^\s*\{/.test(head) && marks.some((mark) => head.includes(mark))

// biome-ignore lint/suspicious/noControlCharactersInRegex: the bytes that text does not have
const isText = ({ head }: Sample): boolean => !/[\x00-\x08\x0e-\x1f]/.test(head)

const isCsv = (file: Sample): boolean => {
  const [first, second] = file.head.split('\n', 2)
  const commas = first?.split(/[,;\t]/).length ?? 0
  return isText(file) && commas > 1 && second?.split(/[,;\t]/).length === commas
}

/** In order of trial: the particular before the general. */
const FORMATS: readonly Format[] = [
  { name: 'empty', test: ({ bytes }) => bytes.length === 0, hint: 'upload it again' },
  {
    name: 'a Git LFS pointer: the model itself was not downloaded',
    test: starts('version https://git-lfs'),
    hint: 'run git lfs pull and upload the file again',
  },
  {
    name: 'written by joblib before 0.10',
    test: starts('ZF0x'),
    hint: 'load it with its own joblib and save it again with joblib 0.10 or later',
  },
  { name: 'a numpy array (.npy)', test: starts('\x93NUMPY'), hint: SAVE_MODEL },
  { name: 'a Keras model', test: zipWith('model.weights.h5'), hint: EXPORT_KERAS },
  { name: 'a PyTorch model', test: zipWith('data.pkl'), hint: EXPORT_TORCH },
  { name: 'a numpy archive (.npz)', test: zipWith('.npy'), hint: SAVE_MODEL },
  {
    name: 'a zip archive',
    test: zipWith(''),
    hint: 'unpack it and give the files in it: MODEL_FILE --after SCALER_FILE …',
  },
  {
    name: 'a PyTorch model',
    test: starts('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19'),
    hint: EXPORT_TORCH,
  },
  {
    name: 'an HDF5 file, as Keras writes them',
    test: starts('\x89HDF\r\n\x1a\n'),
    hint: EXPORT_KERAS,
  },
  { name: 'a TensorFlow Lite model', test: ({ head }) => head.slice(4, 8) === 'TFL3', hint: EXPORT_ONNX },
  { name: 'a GGUF language model', test: starts('GGUF'), hint: EXPORT_ONNX },
  {
    name: 'a safetensors file: weights without a model',
    test: ({ head }) => head.slice(8, 10) === '{"',
    hint: EXPORT_ONNX,
  },
  { name: 'XGBoost settings or a model of several parts', test: json('"learner"'), hint: BOOSTER_JSON },
  { name: 'an XGBoost model as text', test: starts('bs64'), hint: BOOSTER_JSON },
  { name: 'a Jupyter notebook', test: json('"cells"'), hint: SAVE_MODEL },
  { name: 'a PMML document', test: ({ head }) => head.includes('<PMML'), hint: SAVE_MODEL },
  {
    name: 'a web page, probably of a sign-in or an error',
    test: ({ head }) => /^\s*<(!doctype html|html)/i.test(head),
    hint: 'download the model again and look at what you get',
  },
  { name: 'a Parquet table', test: starts('PAR1'), hint: SAVE_MODEL },
  { name: 'a JSON document', test: ({ head }) => /^\s*[[{]\s*["{[\d]/.test(head), hint: SAVE_MODEL },
  { name: 'a CSV table', test: isCsv, hint: SAVE_MODEL },
]

/** Every operation a pickle without a protocol header can start with: a mark, a value, a name. */
const OLD_PICKLE_START = /^[(cIFLNSTUVKMJG\]}lX)]/
const STOP = 0x2e

/** May this be a pickle? Protocols 2–5 say so, 0 and 1 only end with a dot. */
function canBePickle(bytes: Uint8Array, head: string): boolean {
  if (bytes[0] === 0x80) return bytes.length > 1 && bytes[1]! <= 5
  return bytes.at(-1) === STOP && OLD_PICKLE_START.test(head)
}

/** The format of a file that is not a pickle, as far as we know it. */
export function findFormat(bytes: Uint8Array): Format | undefined {
  const head = latin1(bytes.subarray(0, HEAD_BYTES))
  const tail = latin1(bytes.subarray(-TAIL_BYTES))
  const sample = { bytes, head, tail }
  const known = FORMATS.find(({ test }) => test(sample))
  if (known !== undefined || canBePickle(bytes, head)) return known
  return isText(sample)
    ? { name: 'a text file', test: isText, hint: SAVE_MODEL }
    : { name: 'neither a pickle nor any other model format we know', test: () => true, hint: SAVE_MODEL }
}

/** Refuses what is recognisably something else than a pickle, by name. @throws ModelError format */
export function assertPickle(bytes: Uint8Array): void {
  const format = findFormat(bytes)
  if (format !== undefined)
    throw new ModelError('format', `the file is ${format.name}`, { hint: format.hint })
}
