import type { Message } from './message.ts'

/** What one rpc takes and answers. */
export type Rpc<Q = unknown, A = never> = {
  /** `/package.Service/Name`: the path of its requests. */
  readonly path: string
  readonly request: Pick<Message<Q, never>, 'decode' | 'name' | 'fields'>
  readonly response: Pick<Message<unknown, A>, 'encode' | 'name' | 'fields'>
  /** `both`: many questions, many answers; `answers`: one question, an answer whenever it changes. */
  readonly streams?: Streams
}
export type Streams = 'both' | 'answers'

type Signature<Q, A> = Omit<Rpc<Q, A>, 'path'>
export const rpc = <Q, A>(
  request: Signature<Q, A>['request'],
  response: Signature<Q, A>['response'],
  streams?: Streams,
): Signature<Q, A> => ({ request, response, ...(streams && { streams }) })

type Signatures = Readonly<Record<string, Signature<unknown, never>>>
type Service<S extends Signatures> = {
  readonly [K in keyof S]: S[K] extends Signature<infer Q, infer A> ? Rpc<Q, A> : never
}

/** The rpcs of a service, each with its path. @param name with its package */
export const service = <S extends Signatures>(name: string, signatures: S): Service<S> =>
  Object.fromEntries(
    Object.entries(signatures).map(([own, signature]) => [own, { path: `/${name}/${own}`, ...signature }]),
  ) as Service<S>
