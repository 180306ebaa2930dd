import { parseArgs } from 'node:util'
import {
  ModelInferRequest,
  ModelInferResponse,
} from '../packages/server/src/gateway/doors/v2-grpc/messages.ts'
import { INFERENCE } from '../packages/server/src/gateway/doors/v2-grpc/services.ts'
import { connect } from '../packages/server/test/grpc-client.ts'
import { fileOf, type Load, load } from './grpc/h2load.ts'
import {
  answering,
  cpuSeconds,
  type Program,
  proportionalMemory,
  startCommand,
  startMillwright,
} from './http/programs.ts'

/**
 * npm run bench:grpc [-- --seconds N]: ModelInfer with raw tensors, churn, the prediction log on. One gateway beside a bare
 * grpc-js server that takes the same bytes and answers constant ones (no protocol buffers, no model); every point of
 * Millwright stands between two runs of that floor. Needs h2load (nghttp2-client).
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '4' } } })
const seconds = Number(values.seconds)
const PORTS = { millwright: 7712, floor: 7713 }
const { path } = INFERENCE.ModelInfer
const COLUMNS = 4

const requestOf = (rows: number): Buffer =>
  ModelInferRequest.encode({
    model_name: 'churn',
    inputs: [{ name: 'input-0', datatype: 'FP32', shape: [rows, COLUMNS] }],
    raw_input_contents: [
      Buffer.from(
        Float32Array.from(
          { length: rows * COLUMNS },
          (_, i) => [45, 12, 567.89, 0.35][i % COLUMNS]! + (i % 7),
        ).buffer,
      ),
    ],
  })

/** A run of load and what it cost the program, CPU microseconds a request. */
async function loadCounted(program: Program, message: Buffer, run: { connections: number; seconds: number }) {
  const pids = answering(program.pids())
  const before = cpuSeconds(pids)
  const result: Load = await load({ port: program.port, path, message }, run)
  const micros = ((cpuSeconds(pids) - before) * 1e6) / (result.perSecond * run.seconds)
  return { ...result, micros }
}

const millwright = await startMillwright(PORTS.millwright, 1)
console.log(`node ${process.version}, ${seconds} s a point, one process answers`)
const idle = () => `${proportionalMemory(answering(millwright.pids())).toFixed(1)} MB PSS`
const idleBefore = idle()
const client = connect(PORTS.millwright)

console.log(
  '\n| rows | callers | calls/s | mean ms | max ms | failed | CPU µs a call | floor calls/s | floor CPU µs | of the floor |',
)
console.log('|---|---|---|---|---|---|---|---|---|---|')
let idleAfter: string | undefined
for (const rows of [1, 32, 1000]) {
  const message = requestOf(rows)
  const answer = await client.callBytes(path, message).answer
  idleAfter ??= idle()
  if (!Buffer.isBuffer(answer)) throw new Error(`ModelInfer failed: ${answer.details}`)
  const outputs = ModelInferResponse.decode(answer).outputs
  if (outputs[0]?.shape[0] !== rows) throw new Error(`ModelInfer answered ${JSON.stringify(outputs)}`)
  const floor = await startCommand(PORTS.floor, [
    'bench/grpc/floor.ts',
    String(PORTS.floor),
    fileOf(`answer-${rows}.bin`, answer),
  ])
  for (const connections of [1, 8, 64]) {
    const run = { connections, seconds }
    const half = { connections, seconds: Math.max(1, Math.round(seconds / 2)) }
    await load({ port: PORTS.millwright, path, message }, { connections, seconds: 1 })
    await load({ port: PORTS.floor, path, message }, { connections, seconds: 1 })
    const before = await loadCounted(floor, message, half)
    const own = await loadCounted(millwright, message, run)
    const after = await loadCounted(floor, message, half)
    const floorRate = (before.perSecond + after.perSecond) / 2
    const floorMicros = (before.micros + after.micros) / 2
    console.log(
      `| ${rows} | ${connections} | ${own.perSecond.toFixed(0)} | ${own.mean.toFixed(2)} | ${own.max.toFixed(1)} | ${own.failed} | ` +
        `${own.micros.toFixed(0)} | ${floorRate.toFixed(0)} | ${floorMicros.toFixed(0)} | ${(own.perSecond / floorRate).toFixed(2)} |`,
    )
  }
  await floor.stop()
}
console.log(`\ngateway's memory: ${idleBefore} before its first gRPC connection, ${idleAfter} after`)
client.close()
await millwright.stop()
