import { MillwrightError } from '@millwright/contracts'
import { type Grant, isBound } from '../access/permission.ts'
import { UNCLAIMED_MS } from '../blobs/collect.ts'

/** Uploads that are remembered of one key; the oldest are forgotten first. */
const MOST_UPLOADS = 1000

/**
 * What keys for some models alone have sent. All that is stored has a digest, and digests are shown in lists, events and logs: for
 * such a key a digest opens only what it sent itself, so that it learns nothing of other models' files, not even that they are there.
 */
export type Claims = {
  readonly note: (grant: Grant | undefined, digest: string) => void
  /** @throws MillwrightError UPLOAD_NOT_FOUND for what the key did not send, whether it is there or not */
  readonly assertSent: (grant: Grant | undefined, digests: readonly string[]) => void
}

export function createClaims(now: () => number): Claims {
  const sent = new Map<string, Map<string, number>>()
  const freshOf = (key: string): Map<string, number> => {
    const uploads = [...(sent.get(key) ?? [])].filter(([, at]) => at > now() - UNCLAIMED_MS)
    return new Map(uploads.slice(-MOST_UPLOADS))
  }
  return {
    note(grant, digest) {
      if (grant === undefined || !isBound(grant)) return
      const uploads = freshOf(grant.id)
      uploads.delete(digest)
      sent.set(grant.id, uploads.set(digest, now()))
    },
    assertSent(grant, digests) {
      if (grant === undefined || !isBound(grant)) return
      const uploads = freshOf(grant.id)
      const digest = digests.find((each) => !uploads.has(each))
      if (digest !== undefined) throw new MillwrightError('UPLOAD_NOT_FOUND', { digest })
    },
  }
}
