import type { Limits } from '../bytes/limits.ts'
import { type Contract, contractOf } from '../check/contract.ts'
import { RowError } from '../errors.ts'
import { compileProgram } from '../exec/compiled.ts'
import { type ModelParts, readParts } from '../formats/parts.ts'
import { type FileReport, reportOf } from '../formats/report.ts'
import type { Answer, AnswerPart, Cell, Executable, Method, Program } from '../ir/program.ts'
import { inputSchema, type SchemaColumn } from '../ir/schema.ts'
import { programSize } from '../review/program-size.ts'
import { lowerModel } from '../sklearn/lower.ts'
import { whenLoaded } from './code-needed.ts'
import { faultAt, frameOfRows, type InputRow } from './rows.ts'

/** A model ready to answer, in this thread. */
export interface Model {
  /** The columns it reads: names, types, categories, what a missing value does. */
  readonly schema: readonly SchemaColumn[]
  /** What it can be asked. */
  readonly methods: readonly Method[]
  /** Class labels in column order of `predictProba`; one list per output, none for a regressor. */
  readonly classes: readonly (readonly Cell[])[]
  /** How far each answer may be from the training library's own. */
  readonly contract: Readonly<Partial<Record<Method, Contract>>>
  /** What the file says about itself: library and version, steps, size, every name in it. */
  readonly report: FileReport
  readonly program: Program
  /** A label or number per row; a list of them for a model of several outputs. */
  predict(rows: readonly InputRow[]): (Cell | Cell[])[]
  /** A list per row, in the order of `classes`. @throws RangeError for several outputs: ask `answer` */
  predictProba(rows: readonly InputRow[]): number[][]
  decisionFunction(rows: readonly InputRow[]): (number | number[])[]
  /** A list of the new columns per row. */
  transform(rows: readonly InputRow[]): number[][]
  scoreSamples(rows: readonly InputRow[]): number[]
  /** Any method's answer as flat arrays with shapes. */
  answer(method: Method, rows: readonly InputRow[]): Answer
}

export type LoadOptions = Omit<ModelParts, 'model'> & { readonly limits?: Partial<Limits> }

/**
 * Reads a model file as inert data and compiles it. Nothing in the file is run, nothing is fetched or opened. Reading
 * takes place in this thread, within `limits`; for files of strangers on a server see `compileFile`, which has a
 * process of its own.
 * The model's methods throw a RowError that names row and column where the training library would raise.
 * @throws ModelError when the file is refused, with the reason, the place inside the pipeline and what to do
 */
export async function loadModel(bytes: Uint8Array | ArrayBuffer, options: LoadOptions = {}): Promise<Model> {
  const { limits = {}, ...parts } = options
  const content = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes
  const { file, root } = await whenLoaded(() => readParts({ model: { bytes: content }, ...parts }, limits))
  const read = await whenLoaded(() => reportOf(file, root))
  const program = await whenLoaded(() => lowerModel(root))
  const report = { ...read, size: programSize(program) }
  const schema = await whenLoaded(() => inputSchema(program))
  return createModel(compileProgram(program), schema, report)
}

function createModel(executable: Executable, schema: readonly SchemaColumn[], report: FileReport): Model {
  const { program } = executable
  const methods = program.outputs.map(({ name }) => name)
  const answer = (method: Method, rows: readonly InputRow[]): Answer => {
    if (!methods.includes(method))
      throw new RangeError(`the model does not answer ${method}; it answers ${methods.join(', ')}`)
    const frame = frameOfRows({ inputs: program.inputs, schema }, rows)
    return located(() => executable.run(frame, [method])[0]!)
  }
  const alone =
    <T extends Cell | Cell[]>(method: Method) =>
    (rows: readonly InputRow[]): T[] => {
      const { parts, list } = answer(method, rows)
      if (list)
        throw new RangeError(
          `${method} has one answer for each of ${parts.length} outputs: ask answer("${method}", rows)`,
        )
      return rowsOf(parts[0]!) as T[]
    }
  return {
    schema,
    methods,
    classes: program.classes,
    contract: contractOf(program),
    report,
    program,
    predict: alone('predict'),
    predictProba: alone('predict_proba'),
    decisionFunction: alone('decision_function'),
    transform: alone('transform'),
    scoreSamples: alone('score_samples'),
    answer,
  }
}

/** Says in the message where a row's error is. */
function located<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof RowError) || error.row === undefined) throw error
    throw faultAt(error.row, error.field, error.message)
  }
}

/** An entry per row: the value itself, or the list of them. */
function rowsOf({ shape, data }: AnswerPart): (Cell | Cell[])[] {
  const [rows = 0, width] = shape
  if (width === undefined) return Array.from<Cell>(data)
  return Array.from({ length: rows }, (_, row) =>
    Array.from<Cell>(data.slice(row * width, (row + 1) * width)),
  )
}
