import { open } from 'node:fs/promises'

/** A file that grows; what was written after the last `sync` may be lost with the process. */
export type TextSink = {
  append(bytes: Uint8Array | string): Promise<void>
  /** Puts all of it on the disk. @returns its length in bytes */
  sync(): Promise<number>
  close(): Promise<void>
}

/** Opens a file at a length; what stands behind it is cut off. */
export async function openTextSink(path: string, length: number): Promise<TextSink> {
  const file = await open(path, length === 0 ? 'w' : 'r+')
  await file.truncate(length)
  let end = length
  return {
    async append(bytes) {
      if (bytes.length === 0) return
      const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
      for (let at = 0; at < buffer.length; ) {
        const { bytesWritten } = await file.write(buffer, at, buffer.length - at, end)
        at += bytesWritten
        end += bytesWritten
      }
    },
    async sync() {
      await file.datasync()
      return end
    },
    close: () => file.close(),
  }
}
