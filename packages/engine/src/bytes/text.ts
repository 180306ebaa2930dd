import { platform } from '#platform'

/** UTF-8 text; malformed parts become U+FFFD. */
export const utf8 = (bytes: Uint8Array): string => platform.textOf(bytes).utf8(0, bytes.length)

/** A character per byte. */
export const latin1 = (bytes: Uint8Array): string => platform.textOf(bytes).latin1(0, bytes.length)
