import type { Readable } from 'node:stream'
import type { Permission } from '@millwright/contracts/scopes'
import type { z } from 'zod'
import type { Grant, Subject } from './access/permission.ts'

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'

/** What a route's work is given: everything that came, already checked. */
export type Call<P, Q, B> = {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Path and query as asked. */
  readonly url: string
  /** Who asks: the name and id of their key; where no key is asked for, by their own word: header `X-Millwright-User`. */
  readonly by: string
  readonly requestId: string
  /** The key it was sent with; undefined where none is asked for. */
  readonly grant: Grant | undefined
  /** For a part of a request that takes more than its route does, or is about more than its path says. @throws MillwrightError PERMISSION_DENIED */
  readonly assertMay: (permission: Permission, subjects?: readonly Subject[]) => void
}

/** What a route answers. Without a status: the first of `answers`. */
export type Reply = {
  readonly status?: number
  readonly body: unknown
  readonly headers?: Record<string, string>
}

/**
 * One row of the route table: validation and the OpenAPI document are both made of it. Paths are written as in
 * OpenAPI: `/api/v1/models/{model}`.
 */
export type Route = {
  readonly method: Method
  readonly path: string
  readonly summary: string
  /** What a caller must be allowed to do. */
  readonly permission: Permission
  /** Its work decides what a request is about, before it does anything; otherwise its path says so. */
  readonly decides?: true
  /** Groups routes in the documentation. */
  readonly tag: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  /** A JSON body, or `stream`: raw bytes of any media type, not read into memory. */
  readonly body?: z.ZodType | 'stream'
  /** Status → schema of the answer, the usual one first; `z.file()`: bytes. */
  readonly answers: Readonly<Record<number, z.ZodType>>
  readonly handle: (call: Call<never, never, never>) => Promise<Reply>
}

type Parsed<S> = S extends z.ZodType ? z.infer<S> : undefined

type RouteOf<P, Q, B> = Omit<Route, 'params' | 'query' | 'body' | 'handle'> & {
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  readonly handle: (
    call: Call<Parsed<P>, Parsed<Q>, B extends 'stream' ? Readable : Parsed<B>>,
  ) => Promise<Reply>
}

/** Types a route's work by its own schemas. */
export function defineRoute<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | 'stream' | undefined = undefined,
>(route: RouteOf<P, Q, B>): Route {
  return route as unknown as Route
}
