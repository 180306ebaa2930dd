import type { GetObjectCommandInput, UploadPartCommandInput } from '@aws-sdk/client-s3'
import { createDigestGuard } from './digest-guard.ts'

export type S3 = Awaited<ReturnType<typeof openS3>>

/** Where objects are. */
export type S3Location = {
  readonly bucket: string
  /** What all their names begin with, without the slash behind it; may be nothing. */
  readonly prefix: string
  /** Of a server other than Amazon's, which is asked by paths instead of names of hosts; nothing: Amazon's. */
  readonly endpoint: string
}

/** Folders at a location that are the server's own; `owners`: marks of databases that keep files there. */
export const OWN_FOLDERS = { blobs: 'sha256', incoming: 'incoming', owners: 'owners' } as const

export const uriOf = ({ bucket, prefix }: Omit<S3Location, 'endpoint'>): string =>
  prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`

/** A server that does not answer for so long is given up, in milliseconds; the client tries again by itself. */
const CONNECT_MS = 5_000
const SILENCE_MS = 60_000

/**
 * Credentials and region are found as Amazon's tools find them: variables, files, roles of machines and containers.
 * Loaded only where it is used: the client takes 20 MB.
 * @throws Error when no region is known
 */
export async function openS3({ bucket, prefix, endpoint }: S3Location) {
  const [sdk, { getSignedUrl }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/s3-request-presigner'),
  ])
  const client = new sdk.S3Client({
    ...(endpoint !== '' && { endpoint, forcePathStyle: true }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: SILENCE_MS },
  })
  await client.config.region().catch((cause: unknown) => {
    throw new Error(
      `artifacts at ${uriOf({ bucket, prefix })}: no region is known; set AWS_REGION (for a server that has none: us-east-1)`,
      { cause },
    )
  })
  return {
    ...{ sdk, client, bucket, uri: uriOf({ bucket, prefix }), guard: createDigestGuard() },
    keyOf: (name: string) => (prefix === '' ? name : `${prefix}/${name}`),
    /** Of an object at this location, what `keyOf` was given. */
    nameOf: (key: string) => (prefix === '' ? key : key.slice(prefix.length + 1)),
    signGet: (input: GetObjectCommandInput, expiresIn: number) =>
      getSignedUrl(client, new sdk.GetObjectCommand(input), { expiresIn }),
    signPart: (input: UploadPartCommandInput, expiresIn: number) =>
      getSignedUrl(client, new sdk.UploadPartCommand(input), { expiresIn }),
  }
}

export const isMissing = (error: unknown): boolean =>
  ['NoSuchKey', 'NotFound', 'NoSuchUpload'].includes((error as Error).name)
