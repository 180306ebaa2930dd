import type { FieldValue, ModelSchema, SchemaColumn } from '@millwright/contracts'

/** A row the model takes, for a `curl` to copy: the first known category, else a small number. */
export function exampleRow(schema: ModelSchema): Record<string, FieldValue> {
  return Object.fromEntries(schema.inputs.map((column) => [column.name, exampleValue(column)]))
}

const BY_TYPE: Readonly<Record<SchemaColumn['type'], FieldValue>> = {
  number: 1,
  integer: 1,
  boolean: true,
  string: 'text',
  object: { name: 'text' },
  list: [],
  any: 1,
}

const exampleValue = (column: SchemaColumn): FieldValue =>
  column.categories?.find((category) => category !== null) ?? BY_TYPE[column.type]

type Asked = { readonly url: string; readonly deployment: string; readonly withKey: boolean }

/** A shell command that asks the deployment about one row; a key is named by its variable, never shown. */
export function curlOf({ url, deployment, withKey }: Asked, row: Record<string, FieldValue>): string {
  const body = JSON.stringify({ row }).replaceAll("'", "'\\''")
  const key = withKey ? ` -H "x-api-key: $MILLWRIGHT_API_KEY"` : ''
  return `curl -s ${url}/api/v1/deployments/${deployment}/predict -H 'content-type: application/json'${key} \\\n    -d '${body}'`
}
