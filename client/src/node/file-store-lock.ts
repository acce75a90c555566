// One process per directory: an empty lock file whose name says who holds it; that of a dead process is removed. A name
// costs no space, so that a store opens on a full disk, and belongs to one holder, so that removing it races with nobody.
// For processes that see each other: not across machines (network disks) or containers that share a volume.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DeviceStoreError } from '../store/contract.ts'
import type { FileDisk } from './file-store-disk.ts'

interface Holder {
  readonly name: string
  readonly pid: number
  /** Tells a process from a later one with the same pid; UNKNOWN where the system does not say. */
  readonly processStart: string
  /** Milliseconds since 1970: a lock from before the system started has no holder any more. */
  readonly takenAt: number
}

const LOCK_NAME = /^lock\.(\d+)\.([0-9a-z-]+)\.(\d+)\.[0-9a-f-]+$/
const UNKNOWN = '0'
/** Two that start at the same moment see each other, step back, and try again at moments of their own. */
const TRIES = 4
const TRY_AGAIN_AFTER_MS_MAX = 80
/** Clocks are set while systems run. */
const BOOT_CLOCK_SLACK_MS = 60_000

export interface DirectoryLock {
  release(): Promise<void>
}

/** @throws DeviceStoreError IN_USE, with the holder's pid */
export async function lockDirectory(disk: FileDisk, directory: string): Promise<DirectoryLock> {
  const start = processOf(process.pid)?.start ?? UNKNOWN
  for (let left = TRIES - 1; ; left--) {
    const path = join(directory, `lock.${process.pid}.${start}.${Date.now()}.${randomUUID()}`)
    await disk.withFile(path, 'wx', async () => {})
    const other = await otherHolder(disk, directory, path)
    if (other === null) return { release: () => disk.remove(path) }
    await disk.remove(path)
    if (left === 0) throw inUse(directory, other)
    await sleep(Math.random() * TRY_AGAIN_AFTER_MS_MAX)
  }
}

/** Removes the locks of the dead on its way. */
async function otherHolder(disk: FileDisk, directory: string, ownPath: string): Promise<Holder | null> {
  for (const name of await disk.namesIn(directory)) {
    const holder = holderOf(name)
    if (holder === null || join(directory, name) === ownPath) continue
    if (isAlive(holder)) return holder
    await disk.remove(join(directory, name))
  }
  return null
}

function holderOf(name: string): Holder | null {
  const [, pid, processStart, takenAt] = LOCK_NAME.exec(name) ?? []
  if (pid === undefined || processStart === undefined || takenAt === undefined) return null
  return { name, pid: Number(pid), processStart, takenAt: Number(takenAt) }
}

function isAlive(holder: Holder): boolean {
  if (holder.takenAt < Date.now() - uptime() * 1000 - BOOT_CLOCK_SLACK_MS) return false
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const found = processOf(holder.pid)
  if (found === null || holder.processStart === UNKNOWN) return true
  return !found.hasEnded && found.start === holder.processStart
}

/** What Linux tells of a process: when it began (boot, and ticks since), and whether it only waits to be reaped. */
function processOf(pid: number): { start: string; hasEnded: boolean } | null {
  if (process.platform !== 'linux') return null
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses, and may hold spaces: fields are counted from behind it.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
    return { start: `${boot}-${fields[19]}`, hasEnded: fields[0] === 'Z' || fields[0] === 'X' }
  } catch {
    return null // No /proc here, or not for us: the pid alone decides.
  }
}

function inUse(directory: string, { pid, name }: Holder): DeviceStoreError {
  const who = pid === process.pid ? `this process (${pid})` : `process ${pid}`
  return new DeviceStoreError('IN_USE', `The store in ${directory} is in use by ${who}; its lock file is ${name}`)
}
