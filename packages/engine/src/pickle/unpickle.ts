import { Cursor } from '../bytes/cursor.ts'
import { Budget, type Limits, overLimit } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import { Machine, type Names } from './machine.ts'
import { run } from './opcodes.ts'
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
    if (names.forbidden.length > 0) throw hostile(names)
    const rest = bytes.length - cursor.at
    if (rest > 0)
      throw new ModelError('hostile', `the file goes on for ${rest} bytes after its end`, {
        hint: 'save the model again, alone, with joblib.dump',
      })
    survey(root, limits)
    return { root, protocol, joblib: names.joblib, globals: globalsOf(names) }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    throw names.forbidden.length > 0 ? hostile(names) : error
  }
}

const globalsOf = (names: Names): GlobalUse[] =>
  [...names.called]
    .map(([name, called]) => ({ name, called }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

/** What to do about a call, by what the name contains. */
const HINTS: readonly (readonly [part: RegExp, hint: string])[] = [
  [
    /cloudpickle|dill\./,
    'functions stored as code cannot be read: use a scikit-learn transformer instead of a lambda or own function',
  ],
  [/getattr/, 'a method cannot be read out of a file: use an option of the estimator instead of a function'],
  [/./, 'do not load it in Python; nothing was run here'],
]

function hostile(names: Names): ModelError {
  const listed = names.forbidden.slice(0, 3).join(', ')
  const more = names.forbidden.length > 3 ? ` and ${names.forbidden.length - 3} more` : ''
  const hint = HINTS.find(([part]) => part.test(listed))?.[1]
  return new ModelError('hostile', `the file would call ${listed}${more}`, hint === undefined ? {} : { hint })
}
