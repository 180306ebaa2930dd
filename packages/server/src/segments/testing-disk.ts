import { spawnSync } from 'node:child_process'

/** Makes `folder` a small disk. @returns whether this machine lets us */
export function mountSmallDisk(folder: string, megabytes = 2): boolean {
  return spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]).status === 0
}

export function unmountDisk(folder: string): void {
  spawnSync('/bin/umount', [folder])
}
