import { ModelInferRequest } from '../../packages/server/src/gateway/doors/v2-grpc/messages.ts'
import type { Requests } from '../http/wrk.ts'

const COLUMNS = 4
const FLOWER = [5.1, 3.5, 1.4, 0.2]

/** Rows that differ, as JSON numbers and as float32. */
const valuesOf = (rows: number): number[] =>
  Array.from({ length: rows * COLUMNS }, (_, i) => Number((FLOWER[i % COLUMNS]! + (i % 7) / 10).toFixed(1)))
const bytesOf = (rows: number): Buffer => Buffer.from(Float32Array.from(valuesOf(rows)).buffer)

/** How iris flowers are asked about over HTTP. */
export type Dialect = {
  readonly name: string
  readonly at: 'v2' | 'invocations'
  readonly requests: (path: string, rows: number) => Requests
}

export const DIALECTS: readonly Dialect[] = [
  {
    name: 'V2 REST, JSON',
    at: 'v2',
    requests: (path, rows) => ({
      path,
      headers: { 'content-type': 'application/json' },
      bodies: [
        JSON.stringify({
          inputs: [{ name: 'input-0', datatype: 'FP32', shape: [rows, COLUMNS], data: valuesOf(rows) }],
          outputs: [{ name: 'predict' }],
        }),
      ],
    }),
  },
  { name: 'V2 REST, binary', at: 'v2', requests: binary },
  {
    name: '/invocations',
    at: 'invocations',
    requests: (path, rows) => {
      const values = valuesOf(rows)
      const inputs = Array.from({ length: rows }, (_, row) =>
        values.slice(row * COLUMNS, (row + 1) * COLUMNS),
      )
      const headers = { 'content-type': 'application/json' }
      return { path, headers, bodies: [JSON.stringify({ inputs })] }
    },
  },
]

function binary(path: string, rows: number): Requests {
  const bytes = bytesOf(rows)
  const head = JSON.stringify({
    inputs: [
      {
        ...{ name: 'input-0', datatype: 'FP32', shape: [rows, COLUMNS] },
        parameters: { binary_data_size: bytes.length },
      },
    ],
    outputs: [{ name: 'predict', parameters: { binary_data: true } }],
  })
  const headers = {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(Buffer.byteLength(head)),
  }
  return { path, headers, bodies: [Buffer.concat([Buffer.from(head), bytes])] }
}

/** The same over gRPC. */
export const grpcMessage = (rows: number): Buffer =>
  ModelInferRequest.encode({
    model_name: 'iris-lr',
    inputs: [{ name: 'input-0', datatype: 'FP32', shape: [rows, COLUMNS] }],
    outputs: [{ name: 'predict' }],
    raw_input_contents: [bytesOf(rows)],
  })
