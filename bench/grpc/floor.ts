import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'

/**
 * The floor: what grpc-js costs with nothing in between. Takes any message as bytes and answers the bytes of the file
 * given. node bench/grpc/floor.ts PORT ANSWER_FILE
 */
const answer = readFileSync(process.argv[3]!)
const identity = (bytes: Buffer): Buffer => bytes
const grpc = new Server({ 'grpc.enable_channelz': 0, 'grpc.max_receive_message_length': 16 << 20 })
grpc.register(
  '/inference.GRPCInferenceService/ModelInfer',
  ((_call: unknown, callback: (error: null, value: Buffer) => void) => callback(null, answer)) as never,
  identity,
  identity,
  'unary',
)
const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure())
createServer({ noDelay: true }, (socket) => injector.injectConnection(socket)).listen(
  Number(process.argv[2]),
  '127.0.0.1',
)
process.on('SIGTERM', () => process.exit(0))
