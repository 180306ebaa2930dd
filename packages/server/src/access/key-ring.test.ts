import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RoutedKey } from '../routing/snapshot.ts'
import { readSecret } from './credential.ts'
import { createKeyRing } from './key-ring.ts'
import { UNBOUND } from './permission.ts'
import { createSecret, hashOf, isSecret } from './secret.ts'

const asker = (headers: Readonly<Record<string, string>>) => ({ header: (name: string) => headers[name] })
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

describe('the text of a key', () => {
  test.each(['mws_0000000000000000000000000000001tZTBh', 'mwd_ZyXwVuTsRqPoNmLkJiHgFeDcBa98762X1Nhh'])(
    '%s ends with its checksum as Python counts it',
    (secret) => {
      expect(isSecret(secret)).toBe(true)
    },
  )

  test('a key that was made is one, and no other with one character changed', () => {
    const secret = createSecret('mwp_')
    const change = fc.record({ at: fc.nat(secret.length - 1), by: fc.constantFrom(...'abcXYZ019_-') })

    expect(secret).toMatch(/^mwp_[0-9A-Za-z]{36}$/)
    fc.assert(
      fc.property(change, ({ at, by }) => {
        const changed = secret.slice(0, at) + by + secret.slice(at + 1)
        return isSecret(changed) === (changed === secret)
      }),
    )
  })

  test('every letter and digit is as likely as the others', () => {
    const counts = new Map<string, number>()
    for (let i = 0; i < 2_000; i++)
      for (const character of createSecret('mws_').slice(4, 34))
        counts.set(character, (counts.get(character) ?? 0) + 1)
    const expected = (2_000 * 30) / 62
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)

    expect(counts.size).toBe(62)
    // Above this with a chance of 1 in 100 000 000 (61 degrees of freedom).
    expect(chiSquare).toBeLessThan(144)
  })
})

describe('a key in a header', () => {
  const secret = createSecret('mws_')

  test.each([
    [`Bearer ${secret}`, secret],
    [`bearer   ${secret} `, secret],
    [secret, secret],
    [basic(`ana:${secret}`), secret],
    [basic(`:${secret}`), secret],
    [basic(secret), secret],
    [`Bearer ${secret}x`, undefined],
    [`Digest ${secret}`, undefined],
    [basic('ana:password'), undefined],
    ['Basic ====', undefined],
    ['Bearer', undefined],
    ['', undefined],
  ])('%s', (sent, expected) => {
    expect(readSecret(sent)).toBe(expected)
  })
})

describe('a key ring', () => {
  const secret = createSecret('mws_')
  const key: RoutedKey = {
    ...{ id: 'key_1', name: 'ci', hash: hashOf(secret), scopes: ['predict'], ...UNBOUND },
    expires_at: null,
  }

  test('knows its keys in both headers, and the good one of two', () => {
    const ring = createKeyRing([key], new Map())

    expect(ring.find(asker({ authorization: `Bearer ${secret}` }))?.id).toBe('key_1')
    expect(ring.find(asker({ 'x-api-key': secret }))?.id).toBe('key_1')
    expect(ring.find(asker({ authorization: 'Negotiate abc', 'x-api-key': secret }))?.id).toBe('key_1')
    expect(ring.find(asker({ authorization: `Bearer ${createSecret('mws_')}` }))).toBeUndefined()
    expect(ring.find(asker({}))).toBeUndefined()
  })

  test('a key that was found good before ends when it expires', async () => {
    const ring = createKeyRing([{ ...key, expires_at: Date.now() + 100 }], new Map())
    const sent = asker({ 'x-api-key': secret })

    const before = ring.find(sent)
    await new Promise((resolve) => setTimeout(resolve, 150))

    expect(before?.id).toBe('key_1')
    expect(ring.find(sent)).toBeUndefined()
  })

  test('notes uses once a minute, not once a request', () => {
    const uses = new Map<string, number>()
    const ring = createKeyRing([key], uses)
    const sent = asker({ 'x-api-key': secret })

    ring.find(sent)
    const [noted] = uses.values()
    uses.clear()
    ring.find(sent)

    expect(Math.abs(Date.now() - noted!)).toBeLessThan(1_000)
    expect(uses.size).toBe(0)
  })
})
