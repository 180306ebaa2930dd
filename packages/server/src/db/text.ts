/** PostgreSQL keeps no text that holds the character U+0000, and SQLite cuts it there. */
export class UnstorableText extends Error {
  constructor() {
    super('a text holds the character U+0000 (NUL), which no text here may hold; leave it out')
  }
}

/** @throws UnstorableText */
export function assertStorable(values: readonly unknown[]): void {
  for (const value of values)
    if (typeof value === 'string' && value.includes('\0')) throw new UnstorableText()
}
