import { MillwrightError } from '@millwright/contracts/errors'

const QUOTE = 34
const BACKSLASH = 92
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** One row has few brackets, and looking for them is ten times as fast as reading every character. */
function mayBeDeep(text: string, limit: number): boolean {
  let left = limit
  for (const bracket of '{[')
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      left -= 1
      if (left < 0) return true
    }
  return false
}

/** @throws MillwrightError INVALID_JSON when lists and objects are nested deeper */
export function assertJsonDepth(text: string, limit: number): void {
  // A shorter body cannot be nested too deep and be whole.
  if (text.length < 2 * limit || !mayBeDeep(text, limit)) return
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1
      if (depth > limit)
        throw new MillwrightError('INVALID_JSON', {
          detail: `nested deeper than ${limit} levels at position ${at}; send flat rows`,
        })
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1
  }
}

/** Index of the closing quote of the string that starts at `start`, or the end of the text. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1
  return backslashes % 2 === 1
}
