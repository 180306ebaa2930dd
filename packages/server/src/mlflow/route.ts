import type { Db } from '../db/database.ts'
import type { Writer } from '../db/writer.ts'
import type { Fields, Message } from './fields.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
/** What a call may do with what it names. */
export type Permission = 'read' | 'track' | 'admin'

/** What all handlers need. */
export type MlflowContext = {
  /** For reading. */
  readonly db: Db
  readonly writer: Writer
  /** Where new experiments keep their files: `mlflow-artifacts:/` is this server. */
  readonly artifactRoot: string
  readonly now: () => number
}

/** One row of the table: where it is, who may call it, what it reads and what it answers. */
export type MlflowRoute = {
  readonly methods: readonly Method[]
  /** Behind `/api/2.0/mlflow/` and its twins. */
  readonly path: string
  readonly permission: Permission
  readonly fields: Fields
  readonly answer: (context: MlflowContext, message: never) => Promise<object>
}

/** A row whose handler knows its fields. */
export const route = <F extends Fields>(
  methods: Method | readonly Method[],
  path: string,
  permission: Permission,
  {
    fields,
    answer,
  }: {
    readonly fields: F
    readonly answer: (context: MlflowContext, message: Message<F>) => Promise<object>
  },
): MlflowRoute => ({
  methods: [methods].flat(),
  path,
  permission,
  fields,
  answer: answer as MlflowRoute['answer'],
})

/** A change, by the one writer; its answer is empty unless it says something. */
export const change =
  <M>(make: (db: Db, message: M, context: MlflowContext) => Promise<object | undefined | void>) =>
  async (context: MlflowContext, message: M): Promise<object> =>
    (await context.writer.write((db) => make(db, message, context))) ?? {}
