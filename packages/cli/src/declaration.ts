import type { CellValue, Deployment, ModelSchema, SchemaColumn } from '@millwright/contracts'

/** What a declaration is written from. */
export type Declared = Pick<Deployment, 'name' | 'model' | 'version' | 'revision'> & {
  readonly schema: ModelSchema
}

/** More categories than this are a string, a number … with a comment, not a union. */
const MOST_LITERALS = 100
/** Categories shown in a comment. */
const SHOWN = 8

/** TypeScript declarations (`.d.ts`) of the rows that a deployment reads and of what it answers. */
export function declarationOf({ name, model, version, revision, schema }: Declared): string {
  const type = typeName(name)
  const methods = union(schema.outputs.map((output) => output.name))
  return `/** Deployment ${comment(name)}: model ${comment(model)}, version ${version.number} (${comment(version.label)}). Written by \`millwright types ${comment(name)}\`. */

/** One row to ask about. */
export type ${type}Row = {
${schema.inputs.map(columnLines).join('')}}

export type ${type}Method = ${methods}

/** Body of POST /api/v1/deployments/${comment(name)}/predict. */
export type ${type}Request = { readonly outputs?: readonly ${type}Method[] } & (
  | { readonly row: ${type}Row; readonly rows?: never; readonly id?: string; readonly subject?: string }
  | { readonly rows: readonly ${type}Row[]; readonly row?: never; readonly ids?: readonly string[]; readonly subjects?: readonly string[] }
)

${labelDoc(schema)}
export type ${type}Label = ${labelType(schema)}

/** The answer to one row. */
export type ${type}Prediction = {
  readonly id: string
  readonly prediction: ${type}Label
${probabilityLine(schema)}${decisionLine(revision.config)}  /** Of the methods asked for with \`outputs\`. */
  readonly outputs?: { readonly [method in ${type}Method]?: unknown }
}

/** A row of several that was not answered. */
export type ${type}FailedRow = {
  readonly id: string
  readonly error: {
    readonly code: string
    readonly errors: readonly { readonly pointer: string; readonly code: string; readonly message: string }[]
  }
}

/** The answer to a request: \`prediction\` to one row, \`predictions\` to several, in their order. */
export type ${type}Answer = {
  readonly deployment: string
  readonly model: string
  readonly version: { readonly number: number; readonly label: string }
  readonly prediction?: ${type}Prediction
  readonly predictions?: readonly (${type}Prediction | ${type}FailedRow)[]
}
`
}

/** churn-eu_2 → ChurnEu2. Names start with a letter or a digit. */
const typeName = (name: string): string => {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  const joined = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
  return /^[A-Za-z]/.test(joined) ? joined : `Model${joined}`
}

/** Nothing in a name can end a comment or a line. */
const comment = (text: string): string => text.replaceAll('*/', '* /').replace(/[\r\n\u2028\u2029]/g, ' ')

function columnLines(column: SchemaColumn): string {
  const { categories = [], unknown } = column
  const shown = categories.slice(0, SHOWN).map((category) => comment(String(category)))
  const more = categories.length > SHOWN ? ` and ${categories.length - SHOWN} more` : ''
  const doc =
    categories.length > 0 && unknown === 'accepted'
      ? `  /** Seen in training: ${shown.join(', ')}${more}. Others are accepted. */\n`
      : ''
  return `${doc}  readonly ${JSON.stringify(column.name)}: ${columnType(column)}\n`
}

const BASE: Readonly<Record<SchemaColumn['type'], string>> = {
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  string: 'string',
  object: '{ readonly [key: string]: unknown }',
  list: 'readonly unknown[]',
  any: 'string | number | boolean',
}

function columnType({ type, nullable, infinite, categories = [], unknown }: SchemaColumn): string {
  const listed = unknown === 'refused' && categories.length > 0 && categories.length <= MOST_LITERALS
  const values = listed && type !== 'boolean' ? union(categories) : BASE[type]
  const numeric = type === 'number' && !listed
  return [
    values,
    ...(infinite && numeric ? ['"Infinity" | "-Infinity"'] : []),
    ...(nullable ? ['null'] : []),
  ].join(' | ')
}

/** Text as JSON is text as TypeScript, but for two line separators. */
const literal = (value: CellValue): string => {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'number'
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

const union = (values: readonly CellValue[]): string =>
  [...new Set(values.map(literal))].join(' | ') || 'never'

const labelDoc = ({ classes }: ModelSchema): string =>
  classes.length === 0 ? '/** What the model predicts. */' : '/** The classes that the model tells apart. */'

function labelType({ classes, outputs }: ModelSchema): string {
  const predicted = outputs.find(({ name }) => name === 'predict') ?? outputs[0]
  if (predicted?.name === 'predict' && classes.length > 0) {
    const labels = classes.map((list) =>
      list.length <= MOST_LITERALS ? union(list) : 'string | number | boolean | null',
    )
    return labels.length === 1 ? labels[0]! : `readonly [${labels.join(', ')}]`
  }
  const value = /^(float|int|uint)/.test(predicted?.dtype ?? '')
    ? 'number'
    : 'string | number | boolean | null'
  return predicted?.shape === 'vector' ? value : `readonly ${value.includes('|') ? `(${value})` : value}[]`
}

/** There where the gateway answers them: for classifiers of one output. */
function probabilityLine({ classes, outputs }: ModelSchema): string {
  if (classes.length !== 1 || !outputs.some(({ name }) => name === 'predict_proba')) return ''
  const keys = classes[0]!.length <= MOST_LITERALS ? union(classes[0]!.map(String)) : 'string'
  return `  /** By class. */\n  readonly probabilities: { readonly [label in ${keys}]: number }\n`
}

function decisionLine({ decision }: Declared['revision']['config']): string {
  if (decision === undefined) return ''
  const { threshold, bands } = decision
  const outcome = threshold === undefined ? '' : '; readonly outcome: "positive" | "negative"'
  const band = bands === undefined ? '' : `; readonly band?: ${union(bands.map(({ name }) => name))}`
  return `  readonly decision: { readonly score: number${outcome}${band} }\n`
}
