import { type AnalyserAttrs, foldText, LONGEST_TEXT } from './analyser.ts'
import { isSpace, isWord } from './characters.ts'
import { compilePattern } from './pattern.ts'
import { Codes, MOST_TOKENS, Spans, type Tokens, tooManyTokens } from './spans.ts'
import { indexVocabulary } from './vocabulary.ts'

/** Finds the tokens of a text; they are there until the next text. @throws RowError like an analyser */
export type Scanner = (cell: unknown) => Tokens

/**
 * The fast form of an analyser: the same tokens in any order, as places in code points that are written once, so that no
 * token is cut out of its text and none is put together.
 */
export const buildScanner = (attrs: AnalyserAttrs): Scanner => SCANNERS[attrs.unit]!(attrs)

const SPACE = 0x20

const SCANNERS: Readonly<Record<string, (attrs: AnalyserAttrs) => Scanner>> = {
  word(attrs) {
    const { stopWords, fewest, most } = attrs
    const find = wordFinder(attrs)
    const drop = stopWords.length === 0 ? undefined : stopWordDropper(stopWords)
    const codes = new Codes()
    const spans = new Spans()
    return (cell) => {
      const found = find(cell)
      drop?.(found)
      if (most === 1) return found
      join(found, codes)
      spans.begin()
      for (let size = fewest; size <= most; size++) addRuns(found.spans, size, spans)
      return { codes, spans }
    }
  },
  char(attrs) {
    const fold = folder(attrs)
    const codes = new Codes()
    const spans = new Spans()
    return (cell) => {
      fold(cell, codes)
      collapseSpaces(codes)
      spans.begin()
      for (let size = attrs.fewest; size <= attrs.most; size++) addSlices(0, codes.length, size, spans)
      return { codes, spans }
    }
  },
  char_wb(attrs) {
    const fold = folder(attrs, (point) => !isSpace(point))
    const folded = new Codes()
    const words = new Spans()
    const codes = new Codes()
    const spans = new Spans()
    return (cell) => {
      fold(cell, folded)
      words.begin()
      addStretches(folded, 1, words)
      codes.begin(folded.length + 2 * words.count)
      spans.begin()
      for (let i = 0; i < words.count; i++) {
        const start = codes.length
        codes.push(SPACE)
        codes.append(folded, words.starts[i]!, words.ends[i]!)
        codes.push(SPACE)
        const most = Math.min(attrs.most, codes.length - start)
        for (let size = Math.min(attrs.fewest, most); size <= most; size++)
          addSlices(start, codes.length, size, spans)
      }
      return { codes, spans }
    }
  },
}

type Fold = (cell: unknown, to: Codes) => void

/** Written for characters that are part of no word; the only negative number. */
const BREAK = -1

/** Writes a text's code points, folded, and breaks for those that do not pass. ASCII goes through a table. */
function folder(attrs: AnalyserAttrs, passes: (point: number) => boolean = () => true): Fold {
  const passed = (point: number): number => (passes(point) ? point : BREAK)
  const table = Int32Array.from({ length: 0x80 }, (_, code) =>
    passed(foldText(String.fromCharCode(code), attrs).charCodeAt(0)),
  )
  return (cell, to) => {
    if (typeof cell === 'string' && cell.length <= LONGEST_TEXT && foldAscii(cell, table, to)) return
    const text = foldText(cell, attrs)
    to.begin(text.length)
    to.appendText(text, 0, text.length)
    const { points, length } = to
    for (let at = 0; at < length; at++) points[at] = passed(points[at]!)
  }
}

function foldAscii(text: string, table: Int32Array, to: Codes): boolean {
  to.begin(text.length)
  const { points } = to
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) return false
    points[at] = table[code]!
  }
  to.length = text.length
  return true
}

/** `\b\w\w+\b` and its like: stretches of at least that many characters of words. */
const WHOLE_WORDS = /^(?:\(\?u\))?(?:\\b)?((?:\\w){1,32})\+(?:\\b)?$/

function wordFinder(attrs: AnalyserAttrs): Scanner {
  const codes = new Codes()
  const spans = new Spans()
  const whole = WHOLE_WORDS.exec(attrs.pattern)
  if (whole !== null) {
    const fold = folder(attrs, isWord)
    const shortest = whole[1]!.length / '\\w'.length
    return (cell) => {
      fold(cell, codes)
      spans.begin()
      addStretches(codes, shortest, spans)
      return { codes, spans }
    }
  }
  const find = compilePattern(attrs.pattern)
  return (cell) => {
    const text = foldText(cell, attrs)
    codes.begin(text.length)
    spans.begin()
    find(text, (found, from, to) => {
      const start = codes.length
      codes.appendText(found, from, to)
      spans.add(start, codes.length)
    })
    return { codes, spans }
  }
}

/**
 * Adds every stretch between breaks that has at least `fewest` characters. Each place is written as if a stretch ended
 * there, and counts if one did: nobody, a processor neither, can foresee where words end.
 */
function addStretches({ points, length }: Codes, fewest: number, to: Spans): void {
  to.reserve(Math.min((length >> 1) + 2, MOST_TOKENS))
  const { starts, ends } = to
  let { count } = to
  let start = 0
  for (let at = 0; at < length; at++) {
    starts[count] = start
    ends[count] = at
    const isBreak = points[at]! >>> 31
    count += isBreak & ((start + fewest - 1 - at) >>> 31)
    start += -isBreak & (at + 1 - start)
  }
  if (count > MOST_TOKENS) throw tooManyTokens()
  to.count = count
  if (length - start >= fewest) to.add(start, length)
}

function stopWordDropper(stopWords: readonly string[]): (found: Tokens) => void {
  const columnsOf = indexVocabulary([...new Set(stopWords)])
  return (found) => {
    const { spans } = found
    const columns = columnsOf(found)
    let kept = 0
    for (let i = 0; i < spans.count; i++) {
      if (columns[i] !== -1) continue
      spans.starts[kept] = spans.starts[i]!
      spans.ends[kept++] = spans.ends[i]!
    }
    spans.count = kept
  }
}

/** Writes words with a space between them; their places are there from then on. */
function join({ codes, spans }: Tokens, to: Codes): void {
  to.begin(codes.length + spans.count)
  for (let i = 0; i < spans.count; i++) {
    const start = to.length
    to.append(codes, spans.starts[i]!, spans.ends[i]!)
    spans.starts[i] = start
    spans.ends[i] = to.length
    to.push(SPACE)
  }
}

/** Adds every run of that many neighbours. */
function addRuns({ starts, ends, count }: Spans, size: number, to: Spans): void {
  const more = Math.max(0, count - size + 1)
  to.reserve(more)
  const { starts: toStarts, ends: toEnds } = to
  for (let i = 0, at = to.count; i < more; i++, at++) {
    toStarts[at] = starts[i]!
    toEnds[at] = ends[i + size - 1]!
  }
  to.count += more
}

/** Adds every slice of that many code points. */
function addSlices(from: number, until: number, size: number, to: Spans): void {
  const more = Math.max(0, until - from - size + 1)
  to.reserve(more)
  const { starts, ends } = to
  for (let i = 0, at = to.count; i < more; i++, at++) {
    starts[at] = from + i
    ends[at] = from + i + size
  }
  to.count += more
}

/** `re.sub(r"\s\s+", " ", text)`, in place */
function collapseSpaces(codes: Codes): void {
  const { points, length } = codes
  let written = 0
  for (let at = 0; at < length; at++) {
    const start = at
    while (at + 1 < length && isSpace(points[at]!) && isSpace(points[at + 1]!)) at++
    points[written++] = at > start ? SPACE : points[at]!
  }
  codes.length = written
}
