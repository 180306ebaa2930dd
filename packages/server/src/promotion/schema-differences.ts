import { isDeepStrictEqual } from 'node:util'
import type { ModelSchema, SchemaColumn } from '@millwright/contracts'

/** What callers of one version would have to change for another: nothing, when the list is empty. */
export function schemaDifferences(next: ModelSchema, now: ModelSchema): string[] {
  const columns = new Map(next.inputs.map((column) => [column.name, column]))
  const known = new Set(now.inputs.map(({ name }) => name))
  const added = next.inputs.filter(({ name }) => !known.has(name)).map(({ name }) => `needs column "${name}"`)
  const changed = now.inputs.flatMap((column) => {
    const other = columns.get(column.name)
    return other === undefined
      ? [`does not take column "${column.name}"`]
      : columnDifferences(other, column).map((what) => `column "${column.name}" ${what}`)
  })
  const differences = [...added, ...changed, ...outputDifferences(next, now)]
  const isReordered = !isDeepStrictEqual(namesOf(next), namesOf(now))
  return differences.length === 0 && isReordered ? ['takes the columns in another order'] : differences
}

const namesOf = ({ inputs }: ModelSchema): string[] => inputs.map(({ name }) => name)

/** Types whose values are values of another, too. */
const WIDER: Readonly<Record<string, readonly string[]>> = { integer: ['number', 'any'] }

function columnDifferences(next: SchemaColumn, now: SchemaColumn): string[] {
  const takesType = next.type === now.type || (WIDER[now.type] ?? ['any']).includes(next.type)
  const refuses =
    next.unknown === 'refused' ? categoriesOf(now).filter((one) => !categoriesOf(next).includes(one)) : []
  return [
    ...(takesType ? [] : [`is ${next.type}, was ${now.type}`]),
    ...(now.nullable && !next.nullable ? ['may no longer be missing'] : []),
    ...(now.infinite && !next.infinite ? ['may no longer be infinite'] : []),
    ...(now.unknown === 'accepted' && next.unknown === 'refused' ? ['refuses new categories'] : []),
    ...(refuses.length === 0 ? [] : [`refuses ${refuses.map((one) => JSON.stringify(one)).join(', ')}`]),
  ]
}

const categoriesOf = ({ categories = [] }: SchemaColumn): readonly unknown[] => categories

function outputDifferences(next: ModelSchema, now: ModelSchema): string[] {
  const outputs = new Map(next.outputs.map((output) => [output.name, output]))
  const changed = now.outputs.flatMap((output) => {
    const other = outputs.get(output.name)
    if (other === undefined) return [`does not answer ${output.name}`]
    return isDeepStrictEqual(other, output) ? [] : [`answers ${output.name} as ${other.dtype} ${other.shape}`]
  })
  return isDeepStrictEqual(next.classes, now.classes) ? changed : [...changed, 'has other classes']
}
