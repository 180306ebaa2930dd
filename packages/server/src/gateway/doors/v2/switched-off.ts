import { isDeepStrictEqual } from 'node:util'
import { MillwrightError } from '@millwright/contracts/errors'
import { isObject } from '@millwright/inference/convert'
import { decodeUtf8, parseJson } from '../../../inference/json-body.ts'
import { createBodyDoor, createReadDoor, type DoorManner } from '../../door.ts'
import type { Reply } from '../../replies.ts'
import type { GatewayRoute } from '../../route.ts'
import type { Params } from '../../router.ts'
import type { RouteDeps } from '../../routes.ts'
import { selectServed } from '../../serving-table.ts'

/** What Triton says of its own log and traces as it starts. */
const LOGGING = {
  log_file: '',
  log_info: true,
  log_warning: true,
  log_error: true,
  log_verbose_level: 0,
  log_format: 'default',
}
const TRACE = {
  trace_level: ['OFF'],
  trace_rate: '1000',
  trace_count: '-1',
  log_frequency: '0',
  trace_file: '',
  trace_mode: 'triton',
}

/**
 * The extensions of Triton that would let a caller write files or name memory of the server. They answer as in a Triton
 * that has them off: settings can be read, and set to what they are.
 */
export function switchedOffRoutes(deps: RouteDeps, manner: DoorManner): GatewayRoute[] {
  const { word, door } = manner
  const read = (path: string, answer: (params: Params) => Reply): GatewayRoute => ({
    ...{ path, methods: ['GET', 'HEAD'], door, permission: 'read', ...(word && { word }) },
    answer: createReadDoor(deps, manner, (_exchange, params) => answer(params)),
  })
  const post = (path: string, answer: (body: Buffer, params: Params) => Reply): GatewayRoute => ({
    ...{ path, methods: ['POST'], door, permission: 'admin', ...(word && { word }) },
    answer: createBodyDoor(deps, manner, answer),
  })
  const asked = (body: Buffer): unknown =>
    body.length === 0 ? {} : parseJson(decodeUtf8(body), deps.limits.jsonDepth)
  const settings = (path: string, current: Settings): GatewayRoute[] => {
    const found = ({ name }: Params): Settings => {
      if (name !== undefined) selectServed(deps.table(), { name })
      return current
    }
    return [
      read(path, (params) => json(found(params))),
      post(path, (body, params) => json(assertUnchanged(found(params), asked(body)))),
    ]
  }
  const memory = (path: string): GatewayRoute[] => [
    ...['/status', '/region/{name}/status'].map((end) => read(`${path}${end}`, () => json([]))),
    ...['/unregister', '/region/{name}/unregister'].map((end) => post(`${path}${end}`, () => ({ body: '' }))),
    post(`${path}/region/{name}/register`, () => {
      throw new MillwrightError('NOT_OFFERED', {
        what: 'shared memory',
        instead: 'send tensors in the request',
      })
    }),
  ]
  return [
    ...settings('/v2/logging', LOGGING),
    ...['/v2/trace/setting', '/v2/models/{name}/trace/setting'].flatMap((path) => settings(path, TRACE)),
    ...['/v2/systemsharedmemory', '/v2/cudasharedmemory'].flatMap(memory),
  ]
}

type Settings = Readonly<Record<string, unknown>>

const json = (body: unknown): Reply => ({ body: JSON.stringify(body) })

/** null asks for the setting as the server started. @throws MillwrightError NOT_OFFERED */
function assertUnchanged(current: Settings, asked: unknown): Settings {
  const changed = Object.entries(isObject(asked) ? asked : {}).find(
    ([name, value]) => value !== null && !isDeepStrictEqual(value, current[name]),
  )
  if (changed === undefined) return current
  const what = `setting ${changed[0].slice(0, 64)} by a request`
  throw new MillwrightError('NOT_OFFERED', { what, instead: 'set MILLWRIGHT_LOG where the server starts' })
}
