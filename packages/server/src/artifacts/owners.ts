import { OWN_FOLDERS, type S3 } from '../blobs/s3-client.ts'

/**
 * Databases whose servers keep files at a location: each leaves a mark of its own there before the first. None of them knows
 * what the others need, so where there are several, nothing may be removed by what one of them knows.
 */
export type Owners = {
  /** The location. */
  readonly uri: string
  /** Leaves the mark, once in the life of a process. */
  readonly mark: () => Promise<void>
  /** Leaves it again, should somebody have removed it. */
  readonly markAgain: () => Promise<void>
  /** Names of the marks of others. */
  readonly listOthers: () => Promise<string[]>
}

const EXPLANATION = (identity: string): string =>
  `A Millwright with the database ${identity} keeps files here. While there are marks of several databases in this folder, none of them
removes files here. Delete the mark of a database that no server uses any longer.
`

export function s3Owners(s3: S3, identity: string): Owners {
  const { sdk, client, bucket: Bucket } = s3
  const ownKey = s3.keyOf(`${OWN_FOLDERS.owners}/${identity}`)
  const markAgain = async (): Promise<void> => {
    const object = { Bucket, Key: ownKey, Body: EXPLANATION(identity), ContentType: 'text/plain' }
    await client.send(new sdk.PutObjectCommand(object))
  }
  let marked: Promise<void> | undefined
  return {
    uri: s3.uri,
    mark() {
      marked ??= markAgain().catch((error: unknown) => {
        marked = undefined
        throw error
      })
      return marked
    },
    markAgain,
    async listOthers() {
      const names: string[] = []
      const Prefix = s3.keyOf(`${OWN_FOLDERS.owners}/`)
      for await (const page of sdk.paginateListObjectsV2({ client }, { Bucket, Prefix, Delimiter: '/' }))
        for (const { Key = '' } of page.Contents ?? [])
          if (Key !== ownKey && Key !== Prefix) names.push(s3.nameOf(Key))
      return names
    },
  }
}
