/** Endings of names and what clients are told the file is. Data that is text is sent as text, as MLflow's server does. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  'text/plain': (
    'txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst ipynb ' +
    'MLmodel MLproject'
  ).split(' '),
  'text/html': ['html', 'htm'],
  'image/png': ['png'],
  'image/jpeg': ['jpg', 'jpeg'],
  'image/gif': ['gif'],
  'image/webp': ['webp'],
  'image/bmp': ['bmp'],
  'image/svg+xml': ['svg'],
  'application/pdf': ['pdf'],
  'application/zip': ['zip'],
  'application/gzip': ['gz', 'tgz'],
  'audio/mpeg': ['mp3'],
  'audio/wav': ['wav'],
  'video/mp4': ['mp4'],
}
const BY_ENDING = new Map(
  Object.entries(TYPES).flatMap(([type, endings]) => endings.map((ending) => [ending, type])),
)

/** By its name alone. Whoever shows it decides: it is sent as a file to keep. */
export const mediaTypeOf = (name: string): string =>
  BY_ENDING.get(name.slice(name.lastIndexOf('.') + 1)) ?? 'application/octet-stream'
