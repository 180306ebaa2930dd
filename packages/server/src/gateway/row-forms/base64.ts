import { isUtf8 } from 'node:buffer'
import { isObject } from '@millwright/inference/convert'
import { invalidFields } from '../rows.ts'
import { faultAt } from './columns.ts'

/** `{"b64": "aGVsbG8="}`: how JSON dialects write bytes. */
export const isBase64Object = (value: unknown): value is { b64: string } =>
  isObject(value) && typeof value.b64 === 'string' && Object.keys(value).length === 1

/** The text it stands for. @throws MillwrightError VALIDATION_FAILED when it is not base64 (RFC 4648) of UTF-8 */
export function base64Text({ b64 }: { b64: string }, pointer: string): string {
  const bytes = Buffer.from(b64, 'base64')
  const isWhole = withoutPadding(bytes.toString('base64')) === withoutPadding(b64)
  if (isWhole && isUtf8(bytes)) return bytes.toString()
  const message = 'b64: expected base64 of UTF-8 text; models read no other bytes'
  throw invalidFields([faultAt(pointer, 'wrong_type', message)])
}

const withoutPadding = (text: string): string =>
  text.endsWith('==') ? text.slice(0, -2) : text.endsWith('=') ? text.slice(0, -1) : text
