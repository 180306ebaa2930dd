/** Points of a line, with the bounds of a band around it where there are any. */
export type Series = {
  readonly name: string
  readonly points: readonly {
    readonly x: number
    readonly y: number
    readonly low?: number
    readonly high?: number
  }[]
}

export type Panel = {
  readonly x: string
  readonly y: string
  readonly series: readonly Series[]
  /** Where on the x axis the choice is. */
  readonly chosen?: number | undefined
}

const WIDTH = 720
const PANEL = 240
const TITLE = 40
const MARGIN = { left: 64, right: 24, top: 16, bottom: 44 }
const COLOURS = ['#1f5fa8', '#b3541e']

type Scale = { readonly at: (value: number) => number; readonly ticks: readonly number[] }

/** An SVG of panels one below the other; colours are legible on white for people who see no red or green. */
export function drawPicture(title: string, panels: readonly Panel[]): string {
  const height = TITLE + panels.length * PANEL
  const body = panels.map(
    (panel, i) => `<g transform="translate(0 ${TITLE + i * PANEL})">${drawPanel(panel)}</g>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img">
<title>${escaped(title)}</title>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${MARGIN.left}" y="26" font-size="15" font-weight="600">${escaped(title)}</text>
${body.join('\n')}
</svg>
`
}

function drawPanel(panel: Panel): string {
  const points = panel.series.flatMap((series) => series.points)
  const x = scaleX(points.map((point) => point.x))
  const y = scaleY(points.flatMap((point) => [point.low ?? point.y, point.high ?? point.y]))
  return [
    ...axes(panel, x, y),
    ...panel.series.flatMap((series, i) => drawSeries(series, { x, y }, COLOURS[i % COLOURS.length]!)),
    ...(panel.series.length > 1 ? legend(panel.series) : []),
    ...(panel.chosen === undefined ? [] : [mark(x.at(panel.chosen))]),
  ].join('\n')
}

function drawSeries({ points }: Series, { x, y }: { x: Scale; y: Scale }, colour: string): string[] {
  const at = (value: number, height: number): string => `${round(x.at(value))},${round(y.at(height))}`
  const band = points.filter(({ low, high }) => low !== undefined && high !== undefined)
  const edge = [
    ...band.map((point) => at(point.x, point.high!)),
    ...band.toReversed().map((point) => at(point.x, point.low!)),
  ]
  const dots = points.map(
    (point) => `<circle cx="${round(x.at(point.x))}" cy="${round(y.at(point.y))}" r="2" fill="${colour}"/>`,
  )
  return [
    ...(edge.length === 0 ? [] : [`<polygon points="${edge.join(' ')}" fill="${colour}" opacity="0.15"/>`]),
    `<polyline points="${points.map((point) => at(point.x, point.y)).join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    ...dots,
  ]
}

function axes({ x: xName, y: yName }: Panel, x: Scale, y: Scale): string[] {
  const [right, bottom] = [WIDTH - MARGIN.right, PANEL - MARGIN.bottom]
  const middle = (MARGIN.top + bottom) / 2
  return [
    ...y.ticks.map(
      (tick) =>
        `<line x1="${MARGIN.left}" x2="${right}" y1="${round(y.at(tick))}" y2="${round(y.at(tick))}" stroke="#ddd"/>` +
        `<text x="${MARGIN.left - 6}" y="${round(y.at(tick) + 4)}" text-anchor="end">${label(tick)}</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        `<text x="${round(x.at(tick))}" y="${bottom + 16}" text-anchor="middle">${label(tick)}</text>`,
    ),
    `<line x1="${MARGIN.left}" x2="${right}" y1="${bottom}" y2="${bottom}" stroke="#333"/>`,
    `<text x="${(MARGIN.left + right) / 2}" y="${bottom + 34}" text-anchor="middle">${escaped(xName)}</text>`,
    `<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">${escaped(yName)}</text>`,
  ]
}

const legend = (series: readonly Series[]): string[] =>
  series.map(
    ({ name }, i) =>
      `<text x="${MARGIN.left + 12 + i * 130}" y="${MARGIN.top + 10}" fill="${COLOURS[i % COLOURS.length]}">● ${escaped(name)}</text>`,
  )

const mark = (x: number): string =>
  `<line x1="${round(x)}" x2="${round(x)}" y1="${MARGIN.top}" y2="${PANEL - MARGIN.bottom}" stroke="#333" stroke-dasharray="4 3"/>`

/** Logarithmic where the values span more than a factor of 20. */
function scaleX(values: readonly number[]): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const isLogarithmic = low > 0 && high / low > 20
  const form = isLogarithmic ? Math.log : (value: number) => value
  const span = form(high) - form(low) || 1
  const room = WIDTH - MARGIN.left - MARGIN.right - 16
  const ticks = isLogarithmic
    ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].filter((tick) => tick >= low && tick <= high)
    : niceTicks(low, high).filter(Number.isInteger)
  return { at: (value) => MARGIN.left + 8 + ((form(value) - form(low)) / span) * room, ticks }
}

function scaleY(values: readonly number[]): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const padding = (high - low || Math.abs(high) || 1) * 0.06
  const [bottom, top] = [low - padding, high + padding]
  const room = PANEL - MARGIN.top - MARGIN.bottom
  return {
    at: (value) => MARGIN.top + (1 - (value - bottom) / (top - bottom)) * room,
    ticks: niceTicks(bottom, top),
  }
}

/** Four to eight multiples of 1, 2 or 5 times a power of ten. */
function niceTicks(low: number, high: number): number[] {
  const rough = (high - low || 1) / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10)
  const first = Math.ceil(low / step)
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step)
}

const round = (value: number): string => String(Math.round(value * 10) / 10)
const label = (value: number): string => String(Number(value.toPrecision(6)))
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const ROWS = 9
const COLUMNS = 60

/** A line as text: one column per point or part of the x axis, the choice marked below. */
export function drawText({ points }: Series, chosen: number): string {
  const columns = Math.min(COLUMNS, points.length)
  const shown = Array.from(
    { length: columns },
    (_, i) => points[Math.round((i * (points.length - 1)) / Math.max(1, columns - 1))]!,
  )
  const [low, high] = [Math.min(...shown.map(({ y }) => y)), Math.max(...shown.map(({ y }) => y))]
  const rowOf = (y: number): number => Math.round(((high - y) / (high - low || 1)) * (ROWS - 1))
  const gutter = Math.max(short(high).length, short(low).length)
  const nearest = shown.reduce(
    (best, { x }, i) => (Math.abs(x - chosen) < Math.abs(shown[best]!.x - chosen) ? i : best),
    0,
  )
  const lines = Array.from({ length: ROWS }, (_, row) => {
    const value = row === 0 ? short(high) : row === ROWS - 1 ? short(low) : ''
    const cells = shown.map(({ y }, i) => (rowOf(y) === row ? (i === nearest ? '◆' : '•') : ' '))
    return `  ${value.padStart(gutter)} ┤${cells.join('')}`.trimEnd()
  })
  const first = String(shown[0]!.x)
  const last = String(shown.at(-1)!.x)
  const axis = `  ${' '.repeat(gutter)} └${'─'.repeat(columns)}`
  const ends = `  ${' '.repeat(gutter)}  ${first}${last.padStart(Math.max(1, columns - first.length))}`
  return `${[...lines, axis, ends].join('\n')}\n`
}

const short = (value: number): string => String(Number(value.toPrecision(4)))
