import { z } from 'zod'
import { Digest } from './names.ts'

/** An upload, or the entry under a key of the dictionary or tuple in it. */
const Part = z.strictObject({ digest: Digest, key: z.string().min(1).max(200).optional() })

/** What belongs to a model besides its own file. */
export const ModelParts = z.strictObject({
  /** Entry of the model's own file. */
  key: z.string().min(1).max(200).optional(),
  /** Transformers, in the order they are applied. */
  after: z.array(Part).max(50).optional(),
  /** Encoders of single columns, applied first. */
  encode: z
    .array(Part.extend({ column: z.string().min(1).max(200) }))
    .max(200)
    .optional(),
  /** Names of the columns that go in, in order; for models that were fitted without names. */
  columns: z.array(z.string().min(1).max(200)).min(1).max(10_000).optional(),
})
export type ModelParts = z.infer<typeof ModelParts>

/** The parts of a model by digest, the same text for the same parts; its sha256 names the version. */
export const PartsManifest = z.strictObject({
  millwright_parts: z.literal(1),
  digest: Digest,
  ...ModelParts.required({ after: true, encode: true }).shape,
  /** The version it is: the same files may be registered as several. */
  registered: z.string().optional(),
})
export type PartsManifest = z.infer<typeof PartsManifest>

/** undefined for a model of one whole file, which its own digest names. */
export function manifestOf(version: { digest: string; parts?: ModelParts | undefined }): string | undefined {
  const { key, after = [], encode = [], columns } = version.parts ?? {}
  if (key === undefined && columns === undefined && after.length + encode.length === 0) return undefined
  const part = (given: z.infer<typeof Part>) => ({ digest: given.digest, key: given.key })
  const manifest: PartsManifest = {
    millwright_parts: 1,
    digest: version.digest,
    key,
    after: after.map(part),
    encode: encode
      .map(({ column, ...given }) => ({ column, ...part(given) }))
      .sort((a, b) => (a.column < b.column ? -1 : 1)),
    columns,
  }
  return JSON.stringify(manifest)
}
