import type { Requests } from '../http/wrk.ts'

/** Requests of one row each over V2 REST, as JSON. */

const ROWS = 200
const HEADERS = { 'content-type': 'application/json' }
const pathOf = (model: string): string => `/v2/models/${model}/infer`

/** Rows that differ, of numbers from 0 to 8. */
export const matrixRequests = (model: string, columns: number): Requests => ({
  ...{ path: pathOf(model), headers: HEADERS },
  bodies: Array.from({ length: ROWS }, (_, row) => {
    const data = Array.from({ length: columns }, (_, column) => ((row * 7 + column * 13) % 80) / 10)
    return JSON.stringify({ inputs: [{ name: 'input-0', datatype: 'FP64', shape: [1, columns], data }] })
  }),
})

/** Rows of named columns, of which the numbers differ. */
export const columnsRequests = (
  model: string,
  names: readonly string[],
  first: readonly (string | number)[],
): Requests => ({
  ...{ path: pathOf(model), headers: HEADERS },
  bodies: Array.from({ length: ROWS }, (_, row) => {
    const inputs = names.map((name, column) => {
      const value = first[column]!
      return typeof value === 'string'
        ? { name, datatype: 'BYTES', shape: [1, 1], data: [value] }
        : { name, datatype: 'FP64', shape: [1, 1], data: [value + row] }
    })
    return JSON.stringify({ inputs })
  }),
})

/** The requests of several models, one of each after the other. */
export const inTurn = (models: readonly Requests[]): Requests => ({
  ...{ path: models.flatMap(({ path }) => path), headers: HEADERS },
  bodies: Array.from({ length: ROWS * models.length }, (_, index) => {
    const { bodies } = models[index % models.length]!
    return bodies[Math.floor(index / models.length)]!
  }),
})
