import { describe, isObject } from '@millwright/inference/convert'

/** Longest line of a file of answers, in bytes, its end included. */
export const LINE_BYTES = 64 << 10
/** Longest key, in characters: it is a part of a path. */
const KEY_CHARACTERS = 128

export type Line = { readonly key: string; readonly prediction: Record<string, unknown> }

/** @throws RangeError that says what was expected, and never what stood there */
export function parseLine(text: string): Line {
  const line = parse(text)
  if (!isObject(line)) throw new RangeError(`expected an object, got ${describe(line)}`)
  const { key, prediction } = line
  if (typeof key !== 'string' || key === '' || key.length > KEY_CHARACTERS)
    throw new RangeError(`"key": expected text of 1 to ${KEY_CHARACTERS} characters`)
  if (!isObject(prediction) || !Object.hasOwn(prediction, 'prediction'))
    throw new RangeError('"prediction": expected an object with "prediction"')
  return { key, prediction }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new RangeError('expected JSON')
  }
}
