import type { Permission } from '@millwright/contracts/scopes'
import type { Grant, Subject } from '../access/permission.ts'
import type { Artifacts } from '../artifacts/open.ts'
import type { Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import type { Writer } from '../db/writer.ts'
import type { VersionQueue } from '../registry/version-queue.ts'
import type { SendDeps } from '../webhooks/send.ts'
import type { Fields, Message } from './fields.ts'
import type { RunTexts } from './run-texts.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
/** What a caller must be allowed to do. */
export type MlflowPermission = Extract<Permission, 'read' | 'track' | 'deploy' | 'admin'>

/** What all handlers need. */
export type MlflowContext = {
  /** For reading. */
  readonly db: Db
  readonly writer: Writer
  /** Where new experiments keep their files: `mlflow-artifacts:/` is this server. */
  readonly artifactRoot: string
  readonly now: () => number
  /** For models, which are deployed. */
  readonly core: Context
  readonly artifacts: Artifacts
  readonly queue: Pick<VersionQueue, 'process'>
  readonly runTexts: RunTexts
  readonly webhooks: SendDeps
}

/**
 * What the request is about. `anyone`: what every key may know; `listed`: things of many, of which the answer holds what the
 * key is good for; else all that a key must be good for, looked up before anything is done.
 */
export type About<M> = 'anyone' | 'listed' | ((db: Db, message: M) => Promise<readonly Subject[]>)

/** … and of one call. */
export type MlflowCall = MlflowContext & {
  /** The key it was sent with; undefined where none is asked for. */
  readonly grant: Grant | undefined
  /** Who asks: the name and id of their key, or by their own word. */
  readonly by: string
}

/** One row of the table: where it is, who may call it, what it reads and what it answers. */
export type MlflowRoute = {
  readonly methods: readonly Method[]
  /** Behind `/api/2.0/mlflow/` and its twins; `{name}`: a part, read like a field of the request. */
  readonly path: string
  readonly permission: MlflowPermission
  readonly about: About<never>
  readonly fields: Fields
  readonly answer: (call: MlflowCall, message: never) => Promise<object>
}

/** A row whose handler knows its fields. */
export const route = <F extends Fields>(
  methods: Method | readonly Method[],
  path: string,
  permission: MlflowPermission,
  {
    about,
    fields,
    answer,
  }: {
    readonly about: About<Message<F>>
    readonly fields: F
    readonly answer: (call: MlflowCall, message: Message<F>) => Promise<object>
  },
): MlflowRoute => ({
  methods: [methods].flat(),
  path,
  permission,
  about: about as MlflowRoute['about'],
  fields,
  answer: answer as MlflowRoute['answer'],
})

/** A change, by the one writer; its answer is empty unless it says something. */
export const change =
  <M>(make: (db: Db, message: M, call: MlflowCall) => Promise<unknown>) =>
  async (call: MlflowCall, message: M): Promise<object> =>
    ((await call.writer.write((db) => make(db, message, call))) ?? {}) as object

type NamesRun = { readonly run_id: string | undefined; readonly run_uuid: string | undefined }

/** A change of the run that the message names. */
export const changeRun = <M extends NamesRun>(
  make: (db: Db, message: M, call: MlflowCall) => Promise<unknown>,
): ((call: MlflowCall, message: M) => Promise<object>) => {
  const answer = change(make)
  return async (call, message) => {
    try {
      return await answer(call, message)
    } finally {
      call.runTexts.forget(message.run_id || message.run_uuid || '')
    }
  }
}
