import { gunzipSync, inflateSync } from 'node:zlib'
import { DATATYPES } from '../../../packages/server/src/gateway/tensors/datatype.ts'
import type { Received } from './records.ts'

/** Predictions in an answer, by the name of the output; of V1, MLflow and TorchServe under no name. */
export type Values = ReadonlyMap<string, readonly unknown[]>

type Output = {
  readonly name: string
  readonly datatype: string
  readonly data?: unknown[]
  readonly parameters?: { readonly binary_data_size?: number }
}

const DECODE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { gzip: gunzipSync, deflate: inflateSync }

function bytesOf({ headers, body }: Received): Buffer {
  const decode = DECODE[headers['content-encoding'] ?? '']
  return decode === undefined ? body : decode(body)
}

/** The JSON of an answer, without the tensors behind it; undefined when it is none. */
export function jsonOf(received: Received): unknown {
  const bytes = bytesOf(received)
  const length = Number(received.headers['inference-header-content-length'] ?? bytes.length)
  try {
    // Python writes these as bare words.
    return JSON.parse(bytes.toString('utf8', 0, length).replaceAll(/\b(?:NaN|-?Infinity)\b/g, 'null'))
  } catch {
    return undefined
  }
}

/** undefined: it is no answer to a prediction. */
export function valuesOf(received: Received): Values | undefined {
  const json = jsonOf(received) as Record<string, unknown> | unknown[] | null | undefined
  // A list of objects lists models.
  if (Array.isArray(json)) return json.some(isObject) ? undefined : new Map([['', json.flat(4)]])
  const data = (json?.data ?? json) as Record<string, unknown> | undefined
  if (Array.isArray(data?.predictions)) return new Map([['', data.predictions.flat(4)]])
  if (!Array.isArray(data?.outputs) || json?.model_name === undefined) return undefined
  const bytes = bytesOf(received)
  let at = Number(received.headers['inference-header-content-length'] ?? 0)
  return new Map(
    (data.outputs as Output[]).map((output) => {
      const size = output.parameters?.binary_data_size ?? 0
      const tail = bytes.subarray(at, at + size)
      at += size
      const decoded = output.data?.flat(4) ?? Array.from(DATATYPES.get(output.datatype)!.decode(tail))
      return [output.name, decoded]
    }),
  )
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const TOLERANCE = 1e-9

/** What differs between values that should be equal; undefined: nothing. Servers call the prediction what they like. */
export function differenceOf(expected: Values, got: Values | undefined): string | undefined {
  if (got === undefined) return 'no values'
  const [first = []] = got.values()
  for (const [name, values] of expected) {
    const own = got.get(name) ?? (/^(output[-_]\d)?$/.test(name) ? first : undefined)
    if (own === undefined) return `no output ${name}`
    if (own.length !== values.length) return `${name}: ${own.length} values, not ${values.length}`
    const at = values.findIndex((value, index) => !isClose(value, own[index]))
    if (at !== -1) return `${name}[${at}]: ${own[at]}, not ${values[at]}`
  }
  return undefined
}

const isClose = (a: unknown, b: unknown): boolean =>
  typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) <= TOLERANCE : a === b
