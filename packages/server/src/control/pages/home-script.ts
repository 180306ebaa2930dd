/** Script of the first page. Plain browser JavaScript: polls the API every two seconds, builds text nodes only. */
export const HOME_JS = `const $ = (id) => document.getElementById(id)
const element = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties)
  node.append(...children)
  return node
}
const getJson = async (path) => {
  const response = await fetch(path)
  if (!response.ok) throw new Error(path + ' answered ' + response.status)
  return response.json()
}
const PERIOD_MS = 2000

const LINE = /^(\\w+)(?:\\{(.*)\\})? (\\S+)$/
const LABEL = /(\\w+)="((?:[^"\\\\]|\\\\.)*)"/g
function parseMetrics(text) {
  const series = []
  for (const line of text.split('\\n')) {
    const match = LINE.exec(line)
    if (match) series.push({ name: match[1], labels: Object.fromEntries([...(match[2] ?? '').matchAll(LABEL)].map((m) => [m[1], m[2]])), value: Number(match[3]) })
  }
  return series
}
const sum = (series, name, keep = () => true) =>
  series.reduce((total, s) => (s.name === name && keep(s.labels) ? total + s.value : total), 0)

/** Linear interpolation inside the bucket, as histogram_quantile does. */
function quantile(series, name, q) {
  const buckets = new Map()
  for (const s of series)
    if (s.name === name + '_bucket') buckets.set(Number(s.labels.le.replace('+Inf', 'Infinity')), (buckets.get(Number(s.labels.le.replace('+Inf', 'Infinity'))) ?? 0) + s.value)
  const edges = [...buckets].sort((a, b) => a[0] - b[0])
  const total = edges.at(-1)?.[1] ?? 0
  if (total === 0) return undefined
  let lower = 0, below = 0
  for (const [edge, count] of edges) {
    if (count >= q * total) return edge === Infinity ? lower : lower + (edge - lower) * ((q * total - below) / (count - below || 1))
    lower = edge
    below = count
  }
}
const ms = (seconds) => (seconds === undefined ? '–' : (seconds * 1000).toPrecision(2) + ' ms')

let before
function showMetrics(series) {
  const total = sum(series, 'ml_predictions_total')
  const now = performance.now()
  if (before) $('rate').textContent = Math.max(0, ((total - before.total) / (now - before.now)) * 1000).toFixed(1)
  before = { total, now }
  $('total').textContent = total.toLocaleString()
  $('p50').textContent = ms(quantile(series, 'ml_prediction_latency_seconds', 0.5))
  $('p99').textContent = ms(quantile(series, 'ml_prediction_latency_seconds', 0.99))
  $('errors').textContent = sum(series, 'millwright_errors_total').toLocaleString()
}

function showStatus(status) {
  $('server').textContent = 'Version ' + status.version + ', epoch ' + status.epoch + ', up since ' + new Date(status.started_at).toLocaleString()
  const serving = status.gateways.filter((g) => g.state === 'serving' && g.epoch >= status.epoch).length
  $('gateways').textContent = serving + ' of ' + status.gateways.length + ' serving'
  const text = JSON.stringify(status.deployments)
  if (text === showStatus.text) return
  showStatus.text = text
  showDeployments(status.deployments)
}

function showDeployments(deployments) {
  if (deployments.length === 0) {
    $('deployments').replaceChildren(element('p', {}, 'Nothing is deployed yet. In a terminal:'), element('pre', {}, 'millwright deploy MODEL_FILE'))
    $('try').hidden = true
    return
  }
  const head = ['Name', 'Serves', 'Since', 'Why']
  const rows = deployments.map((d) =>
    element('tr', {},
      element('th', { scope: 'row' }, d.name + (d.default ? ' (default)' : '')),
      element('td', {}, d.model + '@' + d.version.number + ' (' + d.version.label + ')'),
      element('td', {}, d.revision.action.replace('_', ' ') + ' ' + new Date(d.revision.at).toLocaleString() + ' by ' + d.revision.by),
      element('td', {}, d.revision.reason ?? '')))
  const table = element('table', {}, element('thead', {}, element('tr', {}, ...head.map((h) => element('th', { scope: 'col' }, h)))), element('tbody', {}, ...rows))
  $('deployments').replaceChildren(element('div', { className: 'scroll', tabIndex: 0 }, table))
  const chosen = $('which').value
  $('which').replaceChildren(...deployments.map((d) => element('option', { value: d.name, selected: d.name === chosen }, d.name)))
  $('try').hidden = false
  showChosen()
}

const MARKS = { pass: '✔', fail: '✖', note: '·' }
async function showChosen() {
  const { model, version } = await getJson('/api/v1/deployments/' + encodeURIComponent($('which').value))
  const { review } = await getJson('/api/v1/models/' + encodeURIComponent(model) + '/versions/' + version.number)
  $('review').replaceChildren(...(review ?? []).map((r) =>
    element('li', {}, MARKS[r.verdict] + ' ' + r.question + ': ' + r.answer)))
  await showFields()
}

/** What a field starts with that is not a number. */
const TEXTS = { string: '', object: '{}', list: '[]' }
let schema
async function showFields() {
  schema = await getJson('/api/v1/deployments/' + encodeURIComponent($('which').value) + '/schema')
  $('fields').replaceChildren(...schema.inputs.map((column, i) => {
    const id = 'field-' + i
    const input = column.categories
      ? element('select', { id }, ...(column.nullable ? [element('option', { value: '' }, '(missing)')] : []),
          ...column.categories.filter((c) => c !== null).map((c) => element('option', { value: JSON.stringify(c) }, String(c))))
      : element('input', { id, inputMode: column.type in TEXTS ? 'text' : 'decimal', required: !column.nullable, value: TEXTS[column.type] ?? '1', placeholder: column.nullable ? 'missing' : '' })
    input.addEventListener('input', showCurl)
    return element('div', {}, element('label', { htmlFor: id }, column.name), input)
  }))
  showCurl()
}

const rowOfForm = () => Object.fromEntries(schema.inputs.map((column, i) => [column.name, valueOf($('field-' + i).value, column)]))
function valueOf(text, column) {
  if (text === '') return column.nullable ? null : text
  if (column.categories) return JSON.parse(text)
  if (column.type === 'string') return text
  if (column.type === 'boolean') return text === 'true'
  if (column.type in TEXTS) return parsed(text)
  const number = Number(text)
  return Number.isNaN(number) ? text : number
}
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
const body = () => JSON.stringify({ row: rowOfForm() })
function showCurl() {
  $('curl').textContent = 'curl -s ' + location.origin + '/api/v1/deployments/' + $('which').value + "/predict -H 'content-type: application/json' \\\\\\n  -d '" + body().replaceAll("'", "'\\\\''") + "'"
}

async function predict(event) {
  event.preventDefault()
  const response = await fetch('/api/v1/deployments/' + encodeURIComponent($('which').value) + '/predict', { method: 'POST', headers: { 'content-type': 'application/json' }, body: body() })
  const answer = await response.json()
  $('answer').replaceChildren(...(response.ok ? answerNodes(answer) : problemNodes(answer)))
}
function answerNodes({ prediction, version }) {
  const lines = Object.entries(prediction.probabilities ?? {}).map(([label, p]) => element('li', {}, label + ': ' + p.toPrecision(4)))
  if (prediction.decision) lines.push(element('li', {}, ['decision:', prediction.decision.outcome, prediction.decision.band].filter(Boolean).join(' ')))
  return [element('p', {}, element('strong', { className: 'ok' }, '✔ ' + JSON.stringify(prediction.prediction)), ' from version ' + version.number + ' (' + version.label + '), ', element('code', {}, prediction.id)), element('ul', {}, ...lines)]
}
const problemNodes = (problem) => [
  element('p', { className: 'crit' }, '✖ ' + problem.detail),
  element('ul', {}, ...(problem.errors ?? []).map((e) => element('li', {}, e.pointer + ': ' + e.message)))]

async function refresh() {
  try {
    const [status, metrics] = await Promise.all([getJson('/api/v1/status'), fetch('/metrics').then((r) => r.text())])
    showStatus(status)
    showMetrics(parseMetrics(metrics))
  } catch (error) {
    $('server').textContent = '! ' + error.message + '; trying again'
  }
}
$('which').addEventListener('change', showChosen)
$('form').addEventListener('submit', predict)
await refresh()
setInterval(() => { if (!document.hidden) refresh() }, PERIOD_MS)
`
