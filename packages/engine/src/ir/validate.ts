import { CodeNeeded } from '../library/code-needed.ts'
import { input } from '../ops/columns.ts'
import { getOp } from '../ops/registry.ts'
import type { Attrs, Lineage, Program, ProgramOutput, ValueType } from './program.ts'

const SHAPES: ReadonlySet<ProgramOutput['shape']> = new Set(['vector', 'matrix', 'list'])

/** Widest row a node may have; of a sparse row only the stored entries take room. */
const MAX_WIDTH = { number: 2 ** 20, cell: 2 ** 20, sparse: 2 ** 24 } as const

/**
 * Types of all nodes. Trusts nothing: what passes can be run without reading out of bounds, whatever it came from.
 * @throws RangeError naming the first node, input or output that does not fit
 */
export function validateProgram(program: Program): ValueType[] {
  expect(isRecord(program) && program.version === 1, 'program: expects version 1')
  expectOrigin(program)
  expectList(program.inputs, 'inputs').forEach((column, i) => {
    const known = isRecord(column) && typeof column.name === 'string'
    expect(known && (column.kind === 'number' || column.kind === 'cell'), `input ${i}: expects name and kind`)
  })
  const types: ValueType[] = []
  expectList(program.nodes, 'nodes').forEach((_, ref) => {
    types.push(typeOfNode(program, ref, types))
  })
  const names = expectList(program.outputs, 'outputs').map((output, i) => {
    expectOutput(output, `output ${i}`, types)
    return output.name
  })
  expect(names.length > 0 && new Set(names).size === names.length, 'outputs: expects distinct ones')
  expectLabels(program.classes, 'classes')
  return types
}

function typeOfNode(program: Program, ref: number, types: readonly ValueType[]): ValueType {
  const node = program.nodes[ref]
  const fits = isRecord(node) && typeof node.op === 'string' && isRecord(node.attrs)
  expect(fits, `node ${ref}: expects op, inputs and attrs`)
  const { op, inputs, attrs } = node as Program['nodes'][number]
  const where = `node ${ref} (${op})`
  for (const read of expectList(inputs, `${where}: inputs`))
    expect(Number.isInteger(read) && read >= 0 && read < ref, `${where}: reads a node that is not before it`)
  if (op === input.name) expectSlots(program, attrs, where)
  let type: ValueType
  try {
    type = getOp(op).infer(
      attrs,
      inputs.map((read) => types[read]!),
    )
  } catch (cause) {
    if (cause instanceof CodeNeeded) throw cause
    const reason = cause instanceof RangeError ? cause.message : 'attributes of the wrong type'
    throw new RangeError(`${where}: ${reason}`, { cause })
  }
  expect(
    Number.isInteger(type.width) && type.width >= 0 && type.width <= MAX_WIDTH[type.kind],
    `${where}: too wide`,
  )
  return type
}

function expectSlots(program: Program, { kinds, slots }: Attrs, where: string): void {
  expect(kinds instanceof Uint8Array && slots instanceof Int32Array, `${where}: expects kinds and slots`)
  const counts = [0, 0]
  for (const { kind } of program.inputs) counts[kind === 'cell' ? 1 : 0]!++
  ;(slots as Int32Array).forEach((slot, i) => {
    const count = counts[(kinds as Uint8Array)[i]!] ?? 0
    expect(slot >= 0 && slot < count, `${where}: slot ${slot} of ${count}`)
  })
}

function expectOutput(output: ProgramOutput, where: string, types: readonly ValueType[]): void {
  expect(isRecord(output) && isName(output.name), `${where}: expects the name of a method`)
  expect(SHAPES.has(output.shape) && typeof output.dtype === 'string', `${where}: expects shape and dtype`)
  const parts = expectList(output.parts, `${where}: parts`)
  expect(output.shape === 'list' ? parts.length > 0 : parts.length === 1, `${where}: number of parts`)
  for (const part of parts) expect(types[part] !== undefined, `${where}: reads a node that does not exist`)
  for (const part of parts) expect(types[part]!.kind !== 'sparse', `${where}: reads a sparse node`)
  const { width, kind } = types[parts[0]!]!
  if (output.shape === 'vector') expect(width === 1, `${where}: a vector of width ${width}`)
  if (output.labels === undefined) return
  expectLabels(output.labels, `${where}: labels`)
  const lists = width === 1 ? parts.length : width
  const fits = kind === 'number' && output.labels.length === lists
  expect(fits, `${where}: ${output.labels.length} lists of labels for ${lists} columns of ${kind}s`)
}

function expectOrigin({ origin }: Program): void {
  const texts = isRecord(origin) ? [origin.library, origin.libraryVersion, origin.estimator] : [undefined]
  expect(
    texts.every((text) => typeof text === 'string'),
    'origin: expects library, version, estimator',
  )
  if (origin.lineage !== undefined) expectLineage(origin.lineage)
}

function expectLineage({ parents, changes, command }: Lineage): void {
  const isText = (value: unknown): boolean => typeof value === 'string'
  for (const parent of expectList(parents, 'lineage: parents'))
    expect(
      isRecord(parent) && isText(parent.name) && isText(parent.digest),
      'lineage: expects name and digest',
    )
  expect(expectList(changes, 'lineage: changes').every(isText) && isText(command), 'lineage: expects texts')
}

function expectLabels(lists: unknown, where: string): void {
  for (const list of expectList(lists as unknown[], where))
    for (const cell of expectList(list as unknown[], where))
      expect(cell === null || ['string', 'number', 'boolean'].includes(typeof cell), `${where}: not a cell`)
}

function expectList<T>(value: readonly T[], where: string): readonly T[] {
  expect(Array.isArray(value), `${where}: expects a list`)
  return value
}

const isName = (value: unknown): boolean => typeof value === 'string' && value !== ''

const isRecord = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new RangeError(message)
}
