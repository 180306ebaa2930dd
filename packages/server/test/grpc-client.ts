import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import type { Message } from '../src/gateway/protobuf/message.ts'
import type { Rpc } from '../src/gateway/protobuf/service.ts'

export type Failure = { readonly code: number; readonly details: string }
type CallOptions = { readonly deadlineMs?: number; readonly metadata?: Readonly<Record<string, string>> }

/** Both directions of an rpc's messages; a client needs the other two than a server. */
type Messages<Q, A> = { readonly request: Message<unknown, Q>; readonly response: Message<A, never> }
const messagesOf = <Q, A>(rpc: Rpc): Messages<Q, A> => rpc as unknown as Messages<Q, A>

/** A client with a connection of its own; over TLS with the certificate of who signed the server's. */
export function connect(port: number, signer?: Buffer) {
  const channel = signer === undefined ? credentials.createInsecure() : credentials.createSsl(signer)
  // A name of TLS cannot be an address.
  const host = signer === undefined ? '127.0.0.1' : 'localhost'
  const client = new Client(`${host}:${port}`, channel, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
  })
  const identity = (bytes: Buffer): Buffer => bytes
  const metadataOf = (fields: Readonly<Record<string, string>> = {}): Metadata => {
    const metadata = new Metadata()
    for (const [name, value] of Object.entries(fields)) metadata.set(name, value)
    return metadata
  }
  /** Bytes out, bytes or a failure in. */
  const callBytes = (path: string, bytes: Buffer, { deadlineMs, metadata }: CallOptions = {}) => {
    let cancel = (): void => {}
    const trailers = Promise.withResolvers<Readonly<Record<string, unknown>>>()
    const answer = new Promise<Buffer | Failure>((resolve) => {
      const call = client.makeUnaryRequest(
        path,
        identity,
        identity,
        bytes,
        metadataOf(metadata),
        deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, value?: Buffer) =>
          resolve(error === null ? value! : { code: error.code, details: error.details }),
      )
      call.on('status', ({ metadata: told }) => trailers.resolve(told.getMap()))
      cancel = () => call.cancel()
    })
    return { answer, cancel, trailers: trailers.promise }
  }
  return {
    client,
    callBytes,
    async call<A>(rpc: Rpc, message: object, options?: CallOptions): Promise<A | Failure> {
      const { request, response } = messagesOf<object, A>(rpc)
      const answer = await callBytes(rpc.path, request.encode(message), options).answer
      return Buffer.isBuffer(answer) ? response.decode(answer) : answer
    },
    /** A stream of messages; answers in the order they come. */
    stream<A>(rpc: Rpc) {
      const { request, response } = messagesOf<object, A>(rpc)
      const call = client.makeBidiStreamRequest(
        rpc.path,
        (message: object) => request.encode(message),
        (bytes: Buffer) => response.decode(bytes),
      )
      return call
    },
    watch<A>(rpc: Rpc, message: object) {
      const { request, response } = messagesOf<object, A>(rpc)
      return client.makeServerStreamRequest(
        rpc.path,
        identity,
        (bytes: Buffer) => response.decode(bytes),
        request.encode(message),
      )
    },
    close: () => client.close(),
  }
}
