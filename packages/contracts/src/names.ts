import { z } from 'zod'
import { NAME_PATTERN } from './name-pattern.ts'

/** Names of models, deployments and aliases: safe in a path, a file name and a metric label. */
export const Name = z
  .string()
  .regex(NAME_PATTERN, 'expected 1–128 letters, digits, "_", "." or "-", not starting with a sign')

export const Digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected a sha256 in hex')

/** Milliseconds since 1970, as a number in storage; RFC 3339 in answers. */
export const Timestamp = z.iso.datetime()
