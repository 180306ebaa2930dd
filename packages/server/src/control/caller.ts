import { type Grant, signatureOf } from '../access/permission.ts'

const MAX_USER_LENGTH = 128

/** Who asks: the name and id of their key; where no key is asked for, by their own word. */
export const callerOf = (grant: Grant | undefined, user: string | string[] | undefined): string =>
  grant === undefined ? parseUser(user) : signatureOf(grant)

/** A name, percent-encoded where it is not plain ASCII. */
function parseUser(header: string | string[] | undefined): string {
  if (typeof header !== 'string' || header.trim() === '') return 'anonymous'
  try {
    return decodeURIComponent(header).trim().slice(0, MAX_USER_LENGTH)
  } catch {
    return header.trim().slice(0, MAX_USER_LENGTH)
  }
}
