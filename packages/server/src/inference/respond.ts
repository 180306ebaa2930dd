import type { CellValue, Respond } from '@millwright/contracts'
import { formatPythonFloat } from '@millwright/inference/python-float'
import { isPlain, jsonNumber, jsonString } from '../json-text.ts'
import { NumberLiteral } from './json-body.ts'

/** What a `$path` of a template can be replaced by. */
export type RespondValues = {
  readonly score?: number | undefined
  readonly outcome?: 0 | 1 | undefined
  readonly label?: CellValue | readonly CellValue[] | undefined
  /** The model gives floats, not classes. */
  readonly labelIsFloat?: boolean
  readonly band?: string | undefined
  readonly version: string
  readonly model: string
  readonly deployment: string
  readonly id?: string
  readonly error?: string
  /** Field of the request as it came; numbers as `NumberLiteral`. */
  readonly input?: (name: string) => unknown
}

/** A template of JSON, cut into constant text and places to fill. */
export type RespondTemplate = {
  readonly usesDecision: boolean
  write(values: RespondValues): string
}

/** How JSON is spelt. */
type Spelling = {
  readonly sortKeys: boolean
  /** A float of the model; `score` is one even when it is whole. */
  float(value: number): string
  literal(number: NumberLiteral): string
  text(value: string): string
  readonly end: string
}

const plain: Spelling = {
  sortKeys: false,
  float: jsonNumber,
  literal: (number) => number.source,
  text: jsonString,
  end: '',
}

/** What Flask's jsonify writes: `json.dumps(value, sort_keys=True, separators=(",", ":"))` and a newline. */
const python: Spelling = {
  sortKeys: true,
  float: (value) => (Number.isFinite(value) ? formatPythonFloat(value) : jsonNumber(value)),
  literal: ({ source }) =>
    /^-?[0-9]+$/.test(source) ? BigInt(source).toString() : formatPythonFloat(Number(source)),
  text: (value) => (isPlain(value) ? `"${value}"` : escapeBeyondAscii(JSON.stringify(value))),
  end: '\n',
}

const escapeBeyondAscii = (json: string): string =>
  json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

type Place = (values: RespondValues) => unknown
/** `$path` → value. Floats are wrapped so that a whole score stays a float where the spelling tells them apart. */
const PLACES: Readonly<Record<string, Place>> = Object.assign(Object.create(null), {
  $score: ({ score }: RespondValues) => (score === undefined ? null : new Float(score)),
  $outcome: ({ outcome }: RespondValues) => outcome ?? null,
  $label: ({ label, labelIsFloat }: RespondValues) =>
    labelIsFloat && typeof label === 'number' ? new Float(label) : (label ?? null),
  $band: ({ band }: RespondValues) => band ?? null,
  $version: ({ version }: RespondValues) => version,
  $model: ({ model }: RespondValues) => model,
  $deployment: ({ deployment }: RespondValues) => deployment,
  $id: ({ id }: RespondValues) => id ?? null,
  $error: ({ error }: RespondValues) => error ?? null,
})
const INPUT = '$input.'
const DECISION_PLACES = new Set(['$score', '$outcome', '$band'])

class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** @throws RangeError for a `$path` that does not exist */
export function compileRespond(
  template: Readonly<Record<string, unknown>>,
  style: Respond['style'] = 'plain',
): RespondTemplate {
  const spelling = style === 'python' ? python : plain
  const pieces: (string | Place)[] = ['']
  let usesDecision = false
  const addText = (text: string): void => {
    const last = pieces.length - 1
    if (typeof pieces[last] === 'string') pieces[last] += text
    else pieces.push(text)
  }
  const add = (value: unknown): void => {
    if (typeof value === 'string' && value.startsWith('$')) {
      usesDecision ||= DECISION_PLACES.has(value)
      pieces.push(placeOf(value))
    } else if (Array.isArray(value)) {
      addList(value, { open: '[', close: ']', add: (item) => add(item) })
    } else if (typeof value === 'object' && value !== null) {
      addList(entriesOf(value, spelling), {
        open: '{',
        close: '}',
        add: ([key, field]) => {
          addText(`${spelling.text(key)}:`)
          add(field)
        },
      })
    } else addText(spell(value, spelling))
  }
  const addList = <T>(items: readonly T[], list: { open: string; close: string; add: (item: T) => void }) => {
    addText(list.open)
    items.forEach((item, index) => {
      if (index > 0) addText(',')
      list.add(item)
    })
    addText(list.close)
  }
  add(template)
  addText(spelling.end)
  return {
    usesDecision,
    write: (values) => {
      let text = ''
      for (const piece of pieces) text += typeof piece === 'string' ? piece : spell(piece(values), spelling)
      return text
    },
  }
}

function placeOf(path: string): Place {
  if (path.startsWith(INPUT)) {
    const name = path.slice(INPUT.length)
    return ({ input }) => input?.(name) ?? null
  }
  const place = PLACES[path]
  if (place === undefined)
    throw new RangeError(
      `respond: there is no "${path}"; use ${Object.keys(PLACES).join(', ')} or ${INPUT}NAME`,
    )
  return place
}

/** Depth is bounded by what `parseJson` takes. */
function spell(value: unknown, spelling: Spelling): string {
  if (typeof value === 'string') return spelling.text(value)
  if (typeof value === 'number') return jsonNumber(value)
  if (value instanceof Float) return spelling.float(value.value)
  if (value instanceof NumberLiteral) return spelling.literal(value)
  if (Array.isArray(value)) return `[${value.map((item) => spell(item, spelling)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const fields = entriesOf(value, spelling).map(
      ([key, field]) => `${spelling.text(key)}:${spell(field, spelling)}`,
    )
    return `{${fields.join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

function entriesOf(value: object, spelling: Spelling): [string, unknown][] {
  const entries = Object.entries(value)
  return spelling.sortKeys ? entries.sort(([a], [b]) => byCodePoint(a, b)) : entries
}

/** Python orders text by code point, JavaScript by UTF-16 unit; UTF-8 bytes sort as code points do. */
const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
