import { ModelError } from '../errors.ts'

/** Refuses what is recognisably not a pickle, by name. @throws ModelError format */
export function assertReadable(content: Uint8Array): void {
  if (content.length === 0) throw new ModelError('format', 'the file is empty', { hint: 'upload it again' })
  if (content[0] === 0x80 || content.at(-1) === 0x2e) return
  throw new ModelError('format', 'the file is neither a pickle nor a joblib file')
}
