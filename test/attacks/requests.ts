import { ModelInferRequest } from '../../packages/server/src/gateway/doors/v2-grpc/messages.ts'
import { INFERENCE } from '../../packages/server/src/gateway/doors/v2-grpc/services.ts'
import { rawPost } from '../support/raw.ts'
import { binaryPost, plainPost } from './attack.ts'
import { BODY, PREDICT, type Target } from './target.ts'

/** How requests for predictions are written, well or not. */

export const MEBIBYTE = 1 << 20
export const V2 = '/v2/models/churn/infer'
export const INVALID_ARGUMENT = 3
export const RESOURCE_EXHAUSTED = 8

export const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
export const tensor = (changes: object, rest: object = {}): string =>
  rawPost(
    V2,
    JSON.stringify({
      inputs: [{ name: 'x', datatype: 'FP64', shape: [1, 4], data: [1, 2, 3, 4], ...changes }],
      ...rest,
    }),
  )
export const chunked = (path: string, chunks: string, headers: readonly string[] = []): string =>
  [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    'content-type: application/json',
    'transfer-encoding: chunked',
    ...headers,
    '',
    chunks,
  ].join('\r\n')
export const headed = (headers: readonly string[]): string => plainPost(PREDICT, BODY, headers)

/** Over gRPC: the code that a message is refused with; 0 when it is answered. */
export async function grpcCode(
  target: Target,
  message: object | Buffer,
  path: string = INFERENCE.ModelInfer.path,
): Promise<number> {
  const client = target.grpc()
  const bytes = Buffer.isBuffer(message) ? message : Buffer.from(ModelInferRequest.encode(message as never))
  const answer = await client.callBytes(path, bytes).answer
  client.close()
  return Buffer.isBuffer(answer) ? 0 : answer.code
}
export const grpcTensor = (shape: readonly number[], raw: Buffer, datatype = 'FP64') => ({
  model_name: 'churn',
  inputs: [{ name: 'x', datatype, shape }],
  raw_input_contents: [raw],
})

export const binary = (
  length: string,
  json: object,
  tail = Buffer.alloc(32),
  headers: readonly string[] = [],
): Buffer => {
  const text = Buffer.from(JSON.stringify(json))
  return binaryPost(V2, Buffer.concat([text, tail]), [
    `inference-header-content-length: ${length.replace('JSON', `${text.length}`)}`,
    ...headers,
  ])
}
export const binaryTensor = (size: unknown, changes: object = {}) => ({
  inputs: [
    { name: 'x', datatype: 'FP64', shape: [1, 4], parameters: { binary_data_size: size }, ...changes },
  ],
})

export const inFlight = async (target: Target): Promise<number> =>
  Number(/^millwright_requests_in_flight\S* (\d+)$/m.exec((await target.ask('GET', '/metrics')).body)![1])
