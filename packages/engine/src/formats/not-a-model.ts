import { ModelError } from '../errors.ts'
import { GlobalRef, type Inert, InertObject, NdArray } from '../pickle/values.ts'
import { nameOf, namesOf } from './entries.ts'

const SAVE = 'save the fitted estimator with joblib.dump'

/** What people keep beside their models: by qualified name, in words, with the next step. First match first. */
const OBJECTS: readonly (readonly [name: RegExp, what: string, hint: string])[] = [
  [/^pandas\..*DataFrame$/, 'a pandas DataFrame: data', SAVE],
  [/^pandas\..*Series$/, 'a pandas Series: data', SAVE],
  [/^pandas\./, 'an object of pandas', SAVE],
  [/^scipy\.sparse/, 'a sparse matrix: data', SAVE],
  [/^datetime\./, 'a date', SAVE],
]

/** The refusal of a root that is no model, by what it is. */
export function notAModel(root: Inert): ModelError {
  const names = namesOf(root)
  if (names !== undefined && Array.isArray(root))
    return refusal(
      `a list of ${names.length} names`,
      'give them next to the model: MODEL_FILE --columns a,b,c',
    )
  if (root instanceof GlobalRef)
    return refusal(`${nameOf(root)} itself`, 'save the fitted object, not what makes it')
  if (root instanceof NdArray) return refusal('a numpy array: data or weights', SAVE)
  const known =
    root instanceof InertObject ? OBJECTS.find(([name]) => name.test(root.cls.qualified)) : undefined
  return known === undefined ? refusal(nameOf(root), SAVE) : refusal(known[1], known[2])
}

const refusal = (what: string, hint: string): ModelError =>
  new ModelError('format', `the file holds ${what}, not a model`, { hint })
