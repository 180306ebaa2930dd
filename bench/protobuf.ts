import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import {
  ModelInferRequest,
  ModelInferResponse,
} from '../packages/server/src/gateway/doors/v2-grpc/messages.ts'

/** node bench/protobuf.ts: one inference message read and written by our tables and by protobufjs, best of seven rounds. */

const startedAt = performance.now()
const text = readFileSync(new URL('../docs/reference/grpc/inference.proto', import.meta.url), 'utf8')
const { root } = protobuf.parse(text, new protobuf.Root(), { keepCase: true })
const peerRequest = root.lookupType('inference.ModelInferRequest')
const peerResponse = root.lookupType('inference.ModelInferResponse')
console.log(`protobufjs reads the .proto text in ${(performance.now() - startedAt).toFixed(1)} ms`)

function best(rounds: number, work: () => unknown): string {
  const times = Array.from({ length: 7 }, () => {
    const from = performance.now()
    for (let round = 0; round < rounds; round++) work()
    return ((performance.now() - from) * 1000) / rounds
  })
  return Math.min(...times).toFixed(2)
}

console.log('\n| message | rows | tables µs | protobufjs µs |\n|---|---|---|---|')
for (const rows of [1, 1000]) {
  const rounds = rows === 1 ? 50_000 : 2_000
  const floats = new Float32Array(4 * rows).fill(1.5)
  const input = { name: 'input-0', datatype: 'FP32', shape: [rows, 4] }
  const raw = ModelInferRequest.encode({
    model_name: 'churn',
    inputs: [input],
    raw_input_contents: [Buffer.from(floats.buffer)],
  })
  const typed = ModelInferRequest.encode({
    model_name: 'churn',
    inputs: [{ ...input, contents: { fp32_contents: floats } }],
  })
  const response = {
    model_name: 'churn',
    outputs: [{ name: 'predict', datatype: 'INT64', shape: [rows, 1] }],
    raw_output_contents: [Buffer.alloc(8 * rows)],
  }
  const lines: [string, () => unknown, () => unknown][] = [
    ['raw request read', () => ModelInferRequest.decode(raw), () => peerRequest.decode(raw)],
    ['typed request read', () => ModelInferRequest.decode(typed), () => peerRequest.decode(typed)],
    [
      'response written',
      () => ModelInferResponse.encode(response),
      () => peerResponse.encode(response).finish(),
    ],
  ]
  for (const [name, own, peer] of lines)
    console.log(`| ${name} | ${rows} | ${best(rounds, own)} | ${best(rounds, peer)} |`)
}
