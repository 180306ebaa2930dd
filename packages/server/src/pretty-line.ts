const COLOURS: Readonly<Record<string, string>> = {
  debug: '90',
  info: '36',
  warn: '33',
  error: '31',
  fatal: '31',
}

/** The same in every line, or shown in a place of their own. */
const HIDDEN =
  /^((@timestamp|message|error|log\.level|url\.path|event\.(kind|category|outcome))$|(ecs|service|process|http\.response)\.|http\.request\.method)/

/** A JSON log line as a person reads it: `12:00:01.234 warn gateway/0 what happened key=value`. */
export function prettyLine(json: string): string {
  const line = JSON.parse(json) as Record<string, unknown>
  const level = String(line['log.level'])
  const details = Object.entries(line)
    .filter(([key]) => !HIDDEN.test(key))
    .map(([key, value]) =>
      key === 'event.duration' ? `${Number(value) / 1e6}ms` : `${key}=${asText(value)}`,
    )
  const time = String(line['@timestamp']).slice(11, 23)
  const words = [dim(time), paint(COLOURS[level] ?? '0', level.padEnd(5)), String(line['service.node.name'])]
  return `${[...words, String(line.message ?? ''), dim(details.join(' '))].join(' ').trimEnd()}${stackLines(line.error)}\n`
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function stackLines(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const { stack_trace: stack, message } = error as { stack_trace?: string; message?: string }
  return `\n${(stack ?? message ?? '').replace(/^/gm, '  ')}`
}

const paint = (code: string, text: string) => (text === '' ? '' : `\u001b[${code}m${text}\u001b[0m`)
const dim = (text: string) => paint('90', text)
