/** Ends this process, as the system would, when more of it is resident than it may take. */
export function endWhenOver(memoryBytes: number): void {
  if (process.memoryUsage.rss() > memoryBytes) process.kill(process.pid, 'SIGKILL')
}
