import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { computeBucket } from '../../packages/server/src/routing/split.ts'

/** The Python function of docs/reference/split.md, as it stands there. */
const PAGE = readFileSync(new URL('../../docs/reference/split.md', import.meta.url), 'utf8')
const FUNCTION = /```python\n([\s\S]+?)```/.exec(PAGE)![1]!

test('the published Python function gives the same buckets, bit for bit', () => {
  const pairs = ['churn-3', 'spring', 'a_b.c-d'].flatMap((salt) =>
    ['CUST_1', '42', 'Zoë', '名前', '😀', 'a:b', ' ', 'x'.repeat(256)].map((unit) => [salt, unit] as const),
  )
  const program = `${FUNCTION}
import json, sys
print(json.dumps([bucket(salt, unit) for salt, unit in json.load(sys.stdin)]))`

  const output = execFileSync('python3', ['-c', program], { input: JSON.stringify(pairs) })

  expect(pairs.map(([salt, unit]) => computeBucket(salt, unit))).toEqual(JSON.parse(output.toString()))
})
