import type { Ref } from '../ir/program.ts'
import { type Inert, InertObject } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import { fittedNames } from './fitted-columns.ts'
import { type Context, type Family, isAbsent, type Lower, transformOf } from './lowering.ts'
import { applySteps, transformer } from './scaling.ts'

type Named = { readonly name: string; readonly value: Inert; readonly columns: Inert | undefined }

/** The (name, estimator, columns?) tuples of a composite. */
function namedParts(estimator: Estimator, attribute: string): Named[] {
  return estimator.list(attribute).map((part) => {
    if (!Array.isArray(part) || typeof part[0] !== 'string' || part[1] === undefined)
      throw estimator.error(
        'corrupt',
        `${estimator.name}.${attribute} holds something that is not a named step`,
      )
    return { name: part[0], value: part[1], columns: part[2] }
  })
}

const isIdentity = (value: Inert): boolean => value === 'passthrough'

/** Steps one after the other; the last one answers. `None` and 'passthrough' steps do nothing. */
const lowerPipeline: Lower = (pipeline, x, context) => {
  const steps = namedParts(pipeline, 'steps').filter(({ value }) => !isAbsent(value) && !isIdentity(value))
  const last = steps.pop()
  if (last === undefined) return transformer(context.graph, x, context)
  let node = x
  let here = context
  for (const { name, value } of steps) {
    const step = pipeline.child(value, `step '${name}'`)
    const lowered = here.lower(step, node)
    node = transformOf(lowered, step)
    here = here.named(lowered.columnNames)
  }
  return here.lower(pipeline.child(last.value, `step '${last.name}'`), node)
}

/** Transformed columns times the transformer's weight, when it has one. */
function weighted(owner: Estimator, name: string, node: Ref, { graph }: Context): Ref {
  const weights = owner.find('transformer_weights')
  const weight = weights instanceof Map ? weights.get(name) : undefined
  if (typeof weight !== 'number') return node
  const x = graph.type(node).kind === 'cell' ? graph.toNumbers(node) : node
  const values = new Float64Array(graph.width(x)).fill(weight)
  return applySteps(graph, x, [{ by: 'multiply', values }])
}

/** One part of a union or column transformer applied to its columns; nothing when it is dropped. */
function applyPart(owner: Estimator, part: Named, x: Ref, context: Context): Ref[] {
  const { name, value } = part
  if (value === 'drop' || isAbsent(value)) return []
  if (isIdentity(value)) return [weighted(owner, name, x, context)]
  const child = owner.child(value, `transformer '${name}'`)
  return [weighted(owner, name, transformOf(context.lower(child, x), child), context)]
}

const lowerUnion: Lower = (union, x, context) => {
  const parts = namedParts(union, 'transformer_list')
  const applied = parts.flatMap((part) => applyPart(union, part, x, context))
  return transformer(context.graph, context.graph.concat(applied))
}

/** Every transformer on its own columns, results side by side in the order of `transformers_`. */
const lowerColumnTransformer: Lower = (columnTransformer, x, context) => {
  const { graph } = context
  const table = { names: fittedNames(columnTransformer) ?? context.columnNames, width: graph.width(x) }
  const parts = namedParts(columnTransformer, 'transformers_').flatMap((part) => {
    if (part.value === 'drop') return []
    const columns = columnsOf(columnTransformer, part, table)
    if (columns.length === 0) return []
    const inner = context.named(table.names && columns.map((column) => table.names![column]!))
    return applyPart(columnTransformer, part, graph.select(x, columns), inner)
  })
  if (parts.length === 0)
    throw columnTransformer.error('unsupported', `${columnTransformer.name} drops every column`)
  const joined = graph.concat(parts)
  const dense = graph.type(joined).kind === 'sparse' && !columnTransformer.flag('sparse_output_', true)
  return transformer(graph, dense ? graph.toNumbers(joined) : joined)
}

type Table = { readonly names: readonly string[] | undefined; readonly width: number }

/** Positions of a transformer's columns, as resolved by `fit`; older files hold the specification only. */
function columnsOf(estimator: Estimator, { name, columns }: Named, table: Table): number[] {
  const resolved = estimator.find('_transformer_to_input_indices')
  const stored = resolved instanceof Map ? resolved.get(name) : undefined
  const positions = Array.isArray(stored) ? stored : resolveColumns(estimator, columns ?? null, table)
  return positions.map((position) => {
    if (typeof position === 'number' && position >= 0 && position < table.width) return position
    throw estimator.error('corrupt', `transformer '${name}' reads a column that is not there`)
  })
}

function resolveColumns(estimator: Estimator, columns: Inert, { names, width }: Table): Inert[] {
  const position = (key: Inert): Inert => {
    if (typeof key === 'string') return names?.indexOf(key) ?? -1
    return typeof key === 'number' && key < 0 ? key + width : key
  }
  if (columns instanceof InertObject && columns.cls.name === 'slice') {
    const [start, stop] = columns.args
    const inclusive = typeof stop === 'string' ? 1 : 0
    const from = isAbsent(start) ? 0 : Math.max(0, Number(position(start)))
    const to = isAbsent(stop) ? width : Number(position(stop)) + inclusive
    return Array.from({ length: Math.max(0, Math.min(to, width) - from) }, (_, i) => from + i)
  }
  if (typeof columns === 'string' || typeof columns === 'number') return [position(columns)]
  if (!Array.isArray(columns))
    throw estimator.error(
      'unsupported',
      `${estimator.name} chooses its columns by something that is not a list`,
    )
  if (columns.length > 0 && columns.every((flag) => typeof flag === 'boolean'))
    return columns.flatMap((flag, i) => (flag ? [i] : []))
  return columns.map(position)
}

export const composeFamily: readonly Family[] = [
  { names: ['sklearn.pipeline.Pipeline'], fields: '', lower: lowerPipeline },
  { names: ['sklearn.pipeline.FeatureUnion'], fields: '', lower: lowerUnion },
  {
    names: ['sklearn.compose.ColumnTransformer'],
    fields: 'transformers_ sparse_output_ output_indices_ named_transformers_',
    lower: lowerColumnTransformer,
  },
]
