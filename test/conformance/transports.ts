import { CONTENTS_OF } from '../../packages/server/src/gateway/doors/v2-grpc/contents.ts'
import {
  ModelInferRequest,
  ModelInferResponse,
} from '../../packages/server/src/gateway/doors/v2-grpc/messages.ts'
import { INFERENCE } from '../../packages/server/src/gateway/doors/v2-grpc/services.ts'
import { DATATYPES } from '../../packages/server/src/gateway/tensors/datatype.ts'
import type { openDialects } from '../../packages/server/test/dialects.ts'
import type { connect } from '../../packages/server/test/grpc-client.ts'

/** The four ways an inference request of the V2 protocol travels, and what they have in common. */

type Value = number | string | boolean | null
export type Input = {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
  readonly data: readonly Value[]
}
export type Inference = {
  readonly model: string
  readonly version?: string
  readonly id?: string
  readonly parameters?: Readonly<Record<string, string | number | boolean>>
  readonly inputs: readonly Input[]
  readonly outputs?: readonly { readonly name: string; readonly classification?: number }[]
}
type Output = { readonly shape: readonly number[]; readonly values: readonly unknown[] }
export type Outcome = {
  readonly kind: 'ok' | 'invalid' | 'not found'
  readonly id?: string | undefined
  readonly message?: string
  readonly outputs?: Readonly<Record<string, Output>>
}
export type Transport = (inference: Inference) => Promise<Outcome>

type Gateway = Awaited<ReturnType<typeof openDialects>>
type Client = ReturnType<typeof connect>
export const TRANSPORTS: Readonly<Record<string, (gateway: Gateway, client: Client) => Transport>> = {
  'REST, JSON': (gateway) => (inference) => overRest(gateway, inference, false),
  'REST, binary': (gateway) => (inference) => overRest(gateway, inference, true),
  'gRPC, typed': (_, client) => (inference) => overGrpc(client, inference, false),
  'gRPC, raw': (_, client) => (inference) => overGrpc(client, inference, true),
}

const encode = ({ datatype, data }: Input): Uint8Array =>
  (DATATYPES.get(datatype) ?? DATATYPES.get('FP32'))!.encode(data)
const decode = (datatype: string, bytes: Buffer): unknown[] =>
  Array.from(DATATYPES.get(datatype)!.decode(bytes) as ArrayLike<unknown>)

type RestOutput = {
  readonly name: string
  readonly datatype: string
  readonly shape: number[]
  readonly data?: unknown[]
  readonly parameters?: { readonly binary_data_size: number }
}

async function overRest(gateway: Gateway, inference: Inference, isBinary: boolean): Promise<Outcome> {
  const { model, version, id, parameters, inputs, outputs } = inference
  const tails = isBinary ? inputs.map(encode) : []
  const document = {
    ...{ id, parameters: { ...parameters, ...(isBinary && { binary_data_output: true }) } },
    inputs: inputs.map(({ data, ...input }, index) =>
      isBinary ? { ...input, parameters: { binary_data_size: tails[index]!.length } } : { ...input, data },
    ),
    ...(outputs && {
      outputs: outputs.map(({ name, classification }) => ({
        name,
        ...(classification && { parameters: { classification } }),
      })),
    }),
  }
  const json = Buffer.from(JSON.stringify(document))
  const headers: Record<string, string> = isBinary
    ? { 'inference-header-content-length': `${json.length}` }
    : {}
  const port = await gateway.listen()
  const path = `/v2/models/${model}${version === undefined ? '' : `/versions/${version}`}/infer`
  const body = Buffer.concat([json, ...tails])
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body })
  const bytes = Buffer.from(await answer.arrayBuffer())
  const jsonBytes = Number(answer.headers.get('inference-header-content-length') ?? bytes.length)
  const read = JSON.parse(bytes.toString('utf8', 0, jsonBytes)) as {
    id?: string
    error?: string
    outputs?: RestOutput[]
  }
  if (answer.status !== 200) return { kind: KIND_OF_STATUS[answer.status]!, message: read.error! }
  let at = jsonBytes
  const values = (output: RestOutput): unknown[] => {
    if (output.data !== undefined) return output.data
    const start = at
    at += output.parameters!.binary_data_size
    return decode(output.datatype, bytes.subarray(start, at))
  }
  const entries = read.outputs!.map((output) => [
    output.name,
    { shape: output.shape, values: values(output) },
  ])
  return { kind: 'ok', id: read.id, outputs: Object.fromEntries(entries) }
}

const KIND_OF_STATUS: Readonly<Record<number, Outcome['kind']>> = { 400: 'invalid', 404: 'not found' }
const KIND_OF_CODE: Readonly<Record<number, Outcome['kind']>> = { 3: 'invalid', 5: 'not found' }

const parameterOf = (value: string | number | boolean) =>
  typeof value === 'string'
    ? { string_param: value }
    : typeof value === 'boolean'
      ? { bool_param: value }
      : Number.isInteger(value)
        ? { int64_param: value }
        : { double_param: value }

async function overGrpc(client: Client, inference: Inference, isRaw: boolean): Promise<Outcome> {
  const { model, version, id, parameters = {}, inputs, outputs = [] } = inference
  const message = ModelInferRequest.encode({
    ...{ model_name: model, model_version: version, id },
    parameters: new Map(Object.entries(parameters).map(([name, value]) => [name, parameterOf(value)])),
    inputs: inputs.map(({ data, ...input }) => ({
      ...input,
      ...(!isRaw && { contents: { [CONTENTS_OF[input.datatype] ?? 'fp32_contents']: data } }),
    })),
    outputs: outputs.map(({ name, classification }) => ({
      name,
      ...(classification && { parameters: new Map([['classification', { int64_param: classification }]]) }),
    })),
    raw_input_contents: isRaw ? inputs.map(encode) : [],
  })
  const answer = await client.callBytes(INFERENCE.ModelInfer.path, message).answer
  if (!Buffer.isBuffer(answer)) return { kind: KIND_OF_CODE[answer.code]!, message: answer.details }
  const read = ModelInferResponse.decode(answer)
  const entries = read.outputs.map(({ name, datatype, shape, contents }, index) => {
    const values = isRaw
      ? decode(datatype, read.raw_output_contents[index] as Buffer)
      : contents![CONTENTS_OF[datatype]!]
    return [name, { shape, values }]
  })
  return { kind: 'ok', id: read.id === '' ? undefined : read.id, outputs: Object.fromEntries(entries) }
}
