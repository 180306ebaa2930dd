import { randomInt, randomUUID } from 'node:crypto'

const ADJECTIVES = [
  'able',
  'bold',
  'calm',
  'clever',
  'eager',
  'fair',
  'glad',
  'keen',
  'mellow',
  'neat',
  'proud',
  'quick',
  'quiet',
  'steady',
  'warm',
  'wise',
]
const NOUNS = [
  'alder',
  'birch',
  'brook',
  'cedar',
  'crane',
  'falcon',
  'fern',
  'finch',
  'heron',
  'larch',
  'maple',
  'otter',
  'pine',
  'rook',
  'stone',
  'wren',
]

export const newRunId = (): string => randomUUID().replaceAll('-', '')

/** For a run that nobody named. */
export const runName = (): string =>
  `${ADJECTIVES[randomInt(ADJECTIVES.length)]}-${NOUNS[randomInt(NOUNS.length)]}-${randomInt(1000)}`
