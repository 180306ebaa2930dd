import type { GetObjectCommandInput, UploadPartCommandInput } from '@aws-sdk/client-s3'

/** Where objects are: `s3://bucket/prefix`. */
export type S3 = Awaited<ReturnType<typeof openS3>>

const LOCATION = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/
/** A server that does not answer for so long is given up, in milliseconds; the client tries again by itself. */
const CONNECT_MS = 5_000
const SILENCE_MS = 60_000

/**
 * Credentials and region are found as Amazon's tools find them: variables, files, roles of machines and containers.
 * Loaded only where it is used: the client takes 20 MB.
 * @param endpoint of a server other than Amazon's, which is asked by paths instead of names of hosts
 * @throws Error when the location is none, or no region is known
 */
export async function openS3(location: string, endpoint: string) {
  const [, bucket, prefix = ''] = LOCATION.exec(location) ?? []
  if (bucket === undefined)
    throw new Error(`artifacts at "${location}": expected s3://bucket or s3://bucket/prefix`)
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
      `artifacts at ${location}: no region is known; set AWS_REGION (for a server that has none: us-east-1)`,
      { cause },
    )
  })
  return {
    ...{ sdk, client, bucket },
    keyOf: (name: string) => (prefix === '' ? name : `${prefix}/${name}`),
    signGet: (input: GetObjectCommandInput, expiresIn: number) =>
      getSignedUrl(client, new sdk.GetObjectCommand(input), { expiresIn }),
    signPart: (input: UploadPartCommandInput, expiresIn: number) =>
      getSignedUrl(client, new sdk.UploadPartCommand(input), { expiresIn }),
  }
}

export const isMissing = (error: unknown): boolean =>
  ['NoSuchKey', 'NotFound', 'NoSuchUpload'].includes((error as Error).name)
