import { readFileSync } from 'node:fs'
import { deflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createRandom, mutate } from '../../test/mutate.ts'
import { compileBytes } from '../sandbox/compile.ts'

const FIXTURES = new URL('../../test/fixtures/', import.meta.url)
const SEEDS = [
  'skops-0.16.0/tree-multi-output/model.deflated.skops',
  'xgboost-1.7.6/xgb-categorical-codes/model.json',
  'xgboost-1.7.6/xgb-categorical-codes/model.ubj',
  'xgboost-2.1.4/xgb-dart/model.bin',
  'xgboost-1.7.6/xgb-linear-three/model.bin',
  'lightgbm-4.7.0/lgb-linear-tree-missing/booster.txt',
  'lightgbm-3.3.5/lgb-classifier-categorical/booster.txt',
  'catboost-1.2.10/cat-text-ctr/model.cbm',
  'catboost-1.2.10/cat-lossguide/model.cbm',
  'catboost-1.2.10/cat-text-ctr/model.json',
]
const ROUNDS = 150
const LIMITS = { maxDecompressedBytes: 2 ** 24, maxElements: 200_000 }

// compileBytes answers refusals and throws what is none.
test.each(SEEDS)('a broken %s compiles or is refused', (name) => {
  const original = new Uint8Array(readFileSync(new URL(name, FIXTURES)))
  const random = createRandom(20_261_121)
  let refused = 0

  for (let round = 0; round < ROUNDS; round++) {
    const outcome = compileBytes(mutate(original, random), LIMITS)
    if ('refusal' in outcome) refused++
  }

  expect(refused).toBeGreaterThan(ROUNDS / 10)
})

test.each(SEEDS.slice(0, 8))('a broken program that was made of %s compiles or is refused', (name) => {
  const outcome = compileBytes(new Uint8Array(readFileSync(new URL(name, FIXTURES))), LIMITS)
  const { program } = 'compiled' in outcome ? outcome.compiled : expect.fail('it compiles')
  const random = createRandom(20_261_128)
  let refused = 0

  for (let round = 0; round < ROUNDS; round++)
    if ('refusal' in compileBytes(mutate(program, random), LIMITS)) refused++

  expect(refused).toBeGreaterThan(ROUNDS / 10)
})

test('an archive that unpacks to more than it may is refused before it is unpacked', () => {
  const bomb = deflateRawSync(new Uint8Array(2 ** 26))
  const name = Buffer.from('schema.json')
  const facts = Buffer.alloc(22)
  facts.writeUInt16LE(8, 4)
  facts.writeUInt32LE(bomb.length, 14)
  facts.writeUInt32LE(2 ** 26, 18)
  const lengths = Buffer.from([name.length, 0, 0, 0])
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, lengths, name, bomb])
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), facts, lengths, Buffer.alloc(14), name])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)

  const outcome = compileBytes(Buffer.concat([local, central, end]), LIMITS)

  expect(outcome).toMatchObject({ refusal: { kind: 'limit' } })
})
