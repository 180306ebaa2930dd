import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { DType, GlobalRef, type Inert, InertObject, NdArray } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import { type Context, type Family, type Lower, transformOf } from './lowering.ts'

/** Not a class of any library: what several objects that belong together become. Told by identity, so no file can claim it. */
const CHAIN = new GlobalRef('millwright', 'Chain')

export type ChainParts = {
  readonly steps: readonly { readonly name: string; readonly object: InertObject }[]
  readonly columnNames?: readonly string[]
  readonly encoders?: ReadonlyMap<string, InertObject>
  readonly reasons: readonly string[]
}

/** One object that is lowered like a pipeline of the parts. */
export function chainObject({ steps, columnNames, encoders, reasons }: ChainParts): InertObject {
  const chain = new InertObject(CHAIN, [], false)
  const names = columnNames ?? widestNames(steps.map(({ object }) => object))
  chain.state = new Map<Inert, Inert>([
    ['steps', steps.map(({ name, object }) => [name, object])],
    ['encoders', [...(encoders ?? [])].map(([column, encoder]) => [column, encoder])],
    ['reasons', [...reasons]],
  ])
  if (names !== undefined)
    chain.state.set(
      'feature_names_in_',
      new NdArray([names.length], new DType('O', 8, false), false, [...names]),
    )
  return chain
}

/** The object whose class and version stand for a model: the last step of a chain, else itself. */
export function answeringObject(object: InertObject): InertObject {
  if (object.cls !== CHAIN || !(object.state instanceof Map)) return object
  const steps = object.state.get('steps')
  const last = Array.isArray(steps) ? steps.at(-1) : undefined
  const answering = Array.isArray(last) ? last[1] : undefined
  return answering instanceof InertObject && !answering.called ? answering : object
}

/** What was guessed when the chain was made. */
export function reasonsOf(object: InertObject): string[] {
  const reasons =
    object.cls === CHAIN && object.state instanceof Map ? object.state.get('reasons') : undefined
  return Array.isArray(reasons) ? reasons.filter((reason) => typeof reason === 'string') : []
}

/** Names a step was fitted on that hold those of the first step too: the first may read only some of the columns. */
function widestNames(objects: readonly InertObject[]): readonly string[] | undefined {
  const lists = objects.map(fittedNames)
  const [first] = lists
  if (first === undefined) return undefined
  const wider = lists.filter((names) => names !== undefined && first.every((name) => names.includes(name)))
  return wider.reduce((widest, names) => (names!.length > widest!.length ? names : widest), first)
}

function fittedNames({ state }: InertObject): readonly string[] | undefined {
  const names = state instanceof Map ? state.get('feature_names_in_') : undefined
  const list = names instanceof NdArray && Array.isArray(names.data) ? names.data : undefined
  return list?.every((name) => typeof name === 'string') ? list : undefined
}

type Named = readonly [name: string, value: Inert]

function pairs(chain: Estimator, attribute: string): Named[] {
  return chain.list(attribute).map((pair) => {
    const [name, value] = Array.isArray(pair) ? pair : []
    if (typeof name !== 'string' || value === undefined)
      throw chain.error('corrupt', `${attribute} holds something that has no name`)
    return [name, value]
  })
}

/** Columns on their way through the steps. `names`: undefined once a step has computed them. */
type Columns = { readonly node: Ref; readonly names: readonly string[] | undefined }

/** Encoders on their columns, every step's transform, then the last step. */
const lowerChain: Lower = (chain, x, context) => {
  const names = context.graph.columns.map(({ name }) => name)
  const steps = pairs(chain, 'steps').map(([name, value]) => chain.child(value, `step '${name}'`))
  const model = steps.pop()
  if (model === undefined) throw chain.error('corrupt', 'the chain has no step')
  const encoders = pairs(chain, 'encoders').map(
    ([column, value]) => [column, chain.child(value, `encoder of '${column}'`)] as const,
  )
  let columns: Columns = { node: x, names }
  for (const [column, encoder] of encoders) columns = encode(column, encoder, columns, context)
  for (const step of steps) columns = transform(step, model, columns, context)
  const { node } = ordered(model, columns, context)
  return context.named(columns.names).lower(model, node)
}

/** `df[column] = encoder.transform(df[column])` */
function encode(column: string, encoder: Estimator, { node, names }: Columns, context: Context): Columns {
  const place = names!.indexOf(column)
  if (place < 0)
    throw encoder.error(
      'format',
      `no column of this name goes in; those are ${names!.slice(0, 20).join(', ')}`,
      'choose the encoders of its columns: FILE#MODEL_KEY --encode COLUMN=FILE#DICTIONARY_KEY/COLUMN',
    )
  const { graph } = context
  const encoded = transformOf(context.named([column]).lower(encoder, graph.select(node, [place])), encoder)
  if (graph.width(encoded) !== 1)
    throw encoder.error('unsupported', `${encoder.name} makes ${graph.width(encoded)} columns of it, not one`)
  return { node: replace(graph, node, encoded, [place]), names }
}

/**
 * A step that was fitted on all columns gives all columns. One that was fitted on some, by their names, is applied to
 * those in place (`df[some] = scaler.transform(df[some])`), where the model's own names say that they stay in order.
 */
function transform(step: Estimator, model: Estimator, columns: Columns, context: Context): Columns {
  const { graph } = context
  const places = placesOf(step, columns)
  if (places === undefined) {
    const lowered = context.named(columns.names).lower(step, columns.node)
    return { node: transformOf(lowered, step), names: lowered.columnNames }
  }
  const { node } = ordered(step, columns, context)
  const result = transformOf(context.named(fittedNames(step.object)).lower(step, node), step)
  const names = columns.names!
  const expected = fittedNames(model.object)
  const isWhole = expected?.length === names.length && expected.every((name) => names.includes(name))
  if (!isWhole || places.length === names.length || graph.width(result) !== places.length)
    throw step.error(
      'unsupported',
      `${step.name} was fitted on ${places.length} of ${names.length} columns, and where its columns go cannot be told`,
      'fit a Pipeline with a ColumnTransformer and save that',
    )
  return { node: replace(graph, columns.node, result, places), names }
}

/** The columns a step was fitted on, in its order. */
function ordered(step: Estimator, columns: Columns, { graph }: Context): Columns {
  const places = placesOf(step, columns)
  return places === undefined ? columns : { ...columns, node: graph.select(columns.node, places) }
}

/** Where the columns of a step are; undefined when it takes all as they come, or does not say. */
function placesOf(step: Estimator, { names }: Columns): number[] | undefined {
  const own = fittedNames(step.object)
  if (own === undefined || names === undefined || own.join('\n') === names.join('\n')) return undefined
  return own.map((name) => {
    const place = names.indexOf(name)
    if (place >= 0) return place
    throw step.error('format', `${step.name} was fitted on the column '${name}', which does not go in`)
  })
}

/** The columns of `node`, those at `places` from `result`. Neighbours of one origin are taken together. */
function replace(graph: Graph, node: Ref, result: Ref, places: readonly number[]): Ref {
  const runs: { readonly from: Ref; readonly columns: number[] }[] = []
  for (let column = 0; column < graph.width(node); column++) {
    const place = places.indexOf(column)
    const [from, at] = place < 0 ? [node, column] : [result, place]
    const last = runs.at(-1)
    if (last?.from === from) last.columns.push(at)
    else runs.push({ from, columns: [at] })
  }
  return graph.concat(runs.map(({ from, columns }) => graph.select(from, columns)))
}

export const chainFamily: readonly Family[] = [{ names: [CHAIN.qualified], fields: '', lower: lowerChain }]
