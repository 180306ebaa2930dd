import { crc32 } from '../bytes/checksums.ts'
import { decodeGzip, decodeZlib, inflateRaw } from './inflate.ts'
import type { Platform } from './platform.ts'
import { sha256 } from './sha256.ts'
import { textOf } from './text.ts'

export const platform: Platform = { textOf, decodeZlib, decodeGzip, inflateRaw, crc32, sha256 }
