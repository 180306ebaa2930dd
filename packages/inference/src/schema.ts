import type { ModelSchema } from '@millwright/contracts'
import { inputSchema, type Program } from '@millwright/engine'

/** What a program reads and answers, as the API says it. */
export const schemaOf = (program: Program): ModelSchema => ({
  inputs: inputSchema(program).map((column) => ({
    ...column,
    ...(column.categories && { categories: [...column.categories] }),
  })) as ModelSchema['inputs'],
  outputs: program.outputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
  classes: program.classes.map((labels) => [...labels]),
})
