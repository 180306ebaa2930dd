import type { CellValue, ModelSchema, SchemaColumn } from '@millwright/contracts'

/** A row the model takes, for a `curl` to copy: the first known category, else a small number. */
export function exampleRow(schema: ModelSchema): Record<string, CellValue> {
  return Object.fromEntries(schema.inputs.map((column) => [column.name, exampleValue(column)]))
}

const BY_TYPE: Readonly<Record<SchemaColumn['type'], CellValue>> = {
  number: 1,
  integer: 1,
  boolean: true,
  string: 'text',
  any: 1,
}

const exampleValue = (column: SchemaColumn): CellValue =>
  column.categories?.find((category) => category !== null) ?? BY_TYPE[column.type]

/** A shell command that asks the deployment about one row. */
export function curlOf(url: string, deployment: string, row: Record<string, CellValue>): string {
  const body = JSON.stringify({ row }).replaceAll("'", "'\\''")
  return `curl -s ${url}/api/v1/deployments/${deployment}/predict -H 'content-type: application/json' \\\n    -d '${body}'`
}
