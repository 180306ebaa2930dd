import { invalid } from '../tracking/errors.ts'

declare const checked: unique symbol

/**
 * Where a file is, below the root of all artifacts: names with slashes between them. Made by nothing but the functions
 * here, so what has this type is safe as it is: on this server, in a store of objects, and as a file of a client.
 */
export type ArtifactPath = string & { readonly [checked]: 'file' }
/** The same, or the root: no name at all. */
export type FolderPath = ArtifactPath | ''

const MOST_BYTES = 2048
/** What is written or drawn, and plain spaces: no control, format or unassigned characters, no halves of characters. */
const NAME = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u
/** Names that some system, or a second decoding, reads as something else: `..`, `..;x`, `a\b`, `C:x`, `%2e`. */
const READ_OTHERWISE = [/^[. ]+(?:;|$)/, /[\\/]/, /^[a-z]:/i, /%[0-9a-f]{2}/i]

/** Letters that only look different (`．．`, `a／b`) are compared as what they look like. */
function isName(part: string): boolean {
  const plain = part.normalize('NFKC')
  return NAME.test(part) && part.trim() === part && !READ_OTHERWISE.some((form) => form.test(plain))
}

const invalidPath = () => invalid('Invalid path')

/** @param text decoded once @throws MlflowError INVALID_PARAMETER_VALUE */
export function parsePath(text: string): ArtifactPath {
  if (Buffer.byteLength(text) > MOST_BYTES || !text.split('/').every(isName)) throw invalidPath()
  return text as ArtifactPath
}

/** A slash at the end says no more. @throws MlflowError INVALID_PARAMETER_VALUE */
export function parseFolder(text: string): FolderPath {
  return text === '' ? '' : parsePath(text.replace(/\/$/, ''))
}

/** A part of an address. @throws MlflowError INVALID_PARAMETER_VALUE */
export function decodeOnce(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw invalidPath()
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE when it becomes too long */
export const pathIn = (folder: FolderPath, name: string): ArtifactPath =>
  parsePath(folder === '' ? name : `${folder}/${name}`)

export const nameOf = (path: ArtifactPath): string => path.slice(path.lastIndexOf('/') + 1)

const OWN_URI = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/

/** The folder that a location of MLflow's means here; undefined: it is in another store. @throws MlflowError INVALID_PARAMETER_VALUE */
export function folderOfUri(uri: string): FolderPath | undefined {
  const found = OWN_URI.exec(uri)?.[1]
  return found === undefined ? undefined : parseFolder(found)
}
