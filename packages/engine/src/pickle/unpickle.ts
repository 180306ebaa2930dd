import { Cursor } from '../bytes/cursor.ts'
import { Budget, type Limits, overLimit } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import { adviceOn } from './foreign.ts'
import { Machine, type Names } from './machine.ts'
import { run } from './opcodes.ts'
import { stepsToCall } from './steps-to.ts'
import { survey } from './survey.ts'
import type { Inert } from './values.ts'

/** A global the file names, and whether loading the file in Python would call it. */
export type GlobalUse = { readonly name: string; readonly called: boolean }

export type Unpickled = {
  readonly root: Inert
  readonly protocol: number
  /** Were there arrays as joblib writes them? */
  readonly joblib: boolean
  readonly globals: readonly GlobalUse[]
}

const MAX_NESTED_PICKLES = 50

/**
 * Reads a pickle or joblib stream as inert data: no name is resolved, nothing is called.
 * @throws ModelError hostile when loading it in Python would call what no model file needs to call; `globals` of the
 *   error lists what was named until then
 */
export function unpickle(bytes: Uint8Array, limits: Limits): Unpickled {
  const names: Names = { called: new Map(), forbidden: [], joblib: false }
  const cursor = new Cursor(bytes)
  const budget = new Budget(limits)
  let nesting = 0
  let protocol = 0
  const read = (): Inert => {
    if (++nesting > MAX_NESTED_PICKLES) throw overLimit('nested pickles', MAX_NESTED_PICKLES)
    const machine = new Machine(cursor, budget, names, read)
    const value = run(machine)
    if (--nesting === 0) protocol = machine.protocol
    return value
  }
  try {
    const root = read()
    if (names.forbidden.length > 0) throw hostile(names, root)
    const rest = bytes.length - cursor.at
    if (rest > 0)
      throw new ModelError('hostile', `the file goes on for ${rest} bytes after its end`, {
        hint: 'save the model again, alone, with joblib.dump',
      })
    survey(root, limits)
    return { root, protocol, joblib: names.joblib, globals: globalsOf(names) }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    throw names.forbidden.length > 0 && error.kind !== 'hostile' ? hostile(names) : error
  }
}

const globalsOf = (names: Names): GlobalUse[] =>
  [...names.called]
    .map(([name, called]) => ({ name, called }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

const NOTHING_RUN = 'do not load it in Python; nothing was run here'

/** @param root what the file describes, when it could be read to its end */
function hostile({ forbidden }: Names, root: Inert = null): ModelError {
  const listed = forbidden.slice(0, 3).join(', ')
  const more = forbidden.length > 3 ? ` and ${forbidden.length - 3} more` : ''
  const hint = forbidden.map(adviceOn).find((advice) => advice !== undefined) ?? NOTHING_RUN
  const path = stepsToCall(root, forbidden)
  return new ModelError('hostile', `the file would call ${listed}${more}`, { hint, path })
}
