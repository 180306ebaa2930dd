import { posix, win32 } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeOnce, folderOfUri, parseFolder, parsePath, pathIn } from './path.ts'

/** The path, or what refusing it says. */
const read = (parse: (text: string) => string, text: string): string => {
  try {
    return parse(text)
  } catch (error) {
    return `refused: ${(error as Error).message}`
  }
}
const REFUSED = 'refused: Invalid path'

const HOSTILE: readonly string[] = [
  ...['', '.', '..', '/', '//', './a', 'a/.', 'a/..', '../a', 'a/../b', 'a//b', 'a/', '/a', '/etc/passwd'],
  ...['..;', '..;a', 'a/..;/b', '.;x'],
  ...['...', '. .', '.. ', ' ..', 'a/.. /b', ' a', 'a ', 'a/ b'],
  ...[
    'a\\b',
    '..\\a',
    '\\\\host\\share',
    'C:',
    'a:b',
    'C:\\x',
    'c:/x',
    'a/C:/x',
    'file:///etc/passwd',
    'http://host/x',
  ],
  ...['%2e%2e/x', '%2E%2e', 'a/%2f', 'a%5cb', '%252e', 'a%00b', '%c0%ae'],
  ...['a\0b', '\0', 'a\nb', 'a\rb', 'a\tb', 'a\x1bb', 'a\x7fb', 'a\x85b', 'a\u2028b', 'a\u00a0b'],
  ...['a\u202eb', 'a\u200bb', '\ufeffa', '\ud800', 'a\udc00', '\ue000', '\u{10ffff}'],
  ...['．．', '․․', '‥', '…', 'a／b', 'a＼b', '．/a', 'Ｃ：x', '％2e'],
  ...['a'.repeat(2049), 'é'.repeat(1025)],
]

const KIND: readonly string[] = [
  ...[
    'MLmodel',
    '1/abc/artifacts/model.pkl',
    'a.b',
    '.hidden',
    '..a',
    'a..',
    'a...b',
    'a b/c d.txt',
    '100%',
    '50% off',
  ],
  ...[
    'été/ñ.txt',
    '模型/图.png',
    'плот.svg',
    'x=1,y=2;z',
    "it's (1) [2] {3} #4 & ~5 !@$^+`",
    '🦀.md',
    'ab:c',
  ],
  ...['a'.repeat(2048), 'con', 'a?b', 'a*b"<>|c'],
]

describe('a path', () => {
  test.each(HOSTILE.map((path) => [path.slice(0, 40), path]))('%j is refused', (_, path) => {
    expect(read(parsePath, path)).toBe(REFUSED)
  })

  test.each(KIND.map((path) => [path.slice(0, 40), path]))('%j is taken as it is', (_, path) => {
    expect(read(parsePath, path)).toBe(path)
  })

  test('that is taken leads nowhere but below its folder, on any system', () => {
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '/', '\\', '%2e', '%', ':', 'C:', ' ', '\0', '．', 'a', '~'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    const paths = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
    let taken = 0
    fc.assert(
      fc.property(paths, (path) => {
        if (read(parsePath, path) === REFUSED) return true
        taken += 1
        const forms = [path, path.normalize('NFKC'), decodeURIComponent(path.replaceAll('%', '%25'))]
        return forms.every(
          (form) =>
            posix.join('/root', form) === `/root/${form}` &&
            win32.resolve('D:\\root', form).startsWith('D:\\root\\') &&
            win32.resolve('D:\\root', form).split('\\').length === form.split('/').length + 2,
        )
      }),
      { numRuns: 1000 },
    )
    expect(taken).toBeGreaterThan(20)
  })

  test('is decoded once, and not by force', () => {
    expect(read((text) => parsePath(decodeOnce(text)), 'a%20b%2Fc')).toBe('a b/c')
    expect(read((text) => parsePath(decodeOnce(text)), '%252e%252e/x')).toBe(REFUSED)
    expect(read((text) => parsePath(decodeOnce(text)), 'a%2')).toBe(REFUSED)
    expect(read((text) => parsePath(decodeOnce(text)), '%ff')).toBe(REFUSED)
  })
})

test('a folder may be the root, or end with one slash', () => {
  expect(parseFolder('')).toBe('')
  expect(parseFolder('a/b/')).toBe('a/b')
  expect(read(parseFolder, 'a//')).toBe(REFUSED)
  expect(read(parseFolder, '/')).toBe(REFUSED)
  expect(read(parseFolder, './')).toBe(REFUSED)
  expect(pathIn('', 'a')).toBe('a')
  expect(read((name) => pathIn(parseFolder('a'.repeat(2047)), name), 'b')).toBe(REFUSED)
})

test('a location of MLflow’s is a folder here, or in another store', () => {
  expect(folderOfUri('mlflow-artifacts:/1/abc/artifacts')).toBe('1/abc/artifacts')
  expect(folderOfUri('mlflow-artifacts://host:5000/1')).toBe('1')
  expect(folderOfUri('mlflow-artifacts:/')).toBe('')
  expect(folderOfUri('s3://bucket/1')).toBeUndefined()
  expect(folderOfUri('file:///etc')).toBeUndefined()
  expect(read((uri) => folderOfUri(uri) ?? '', 'mlflow-artifacts:/../../etc')).toBe(REFUSED)
  expect(read((uri) => folderOfUri(uri) ?? '', 'mlflow-artifacts://host/../etc')).toBe(REFUSED)
})
