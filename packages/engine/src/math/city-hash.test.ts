import { expect, test } from 'vitest'
import { cityHash64 } from './city-hash.ts'

/** Hashes that CatBoost 1.2.10 wrote for these categories (low 32 bits). */
test.each([
  ['Berlin', 1503209845n],
  ['東京', 991853845n],
])('%s has the hash CatBoost gives it', (text, low) => {
  expect(cityHash64(new TextEncoder().encode(text)) & 0xffffffffn).toBe(low)
})

test.each([0, 1, 3, 4, 8, 9, 16, 17, 32, 33, 64, 65, 128, 129])(
  '%i bytes: every one of them counts',
  (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i * 7)
    const hash = cityHash64(bytes)

    expect(hash).toBeLessThan(2n ** 64n)
    for (let i = 0; i < size; i++) {
      const changed = bytes.slice()
      changed[i]! ^= 1
      expect(cityHash64(changed)).not.toBe(hash)
    }
  },
)
