// One process at a time on one store. The holder's row lies in the data itself and is exchanged in a transaction, so
// two processes that find a dead holder cannot both take its place, as they could with a file beside the data.
import { readFileSync, statSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { RelayStoreError } from '../contract.ts'
import { getRow, HOLDER_KEY, type Table } from './environment.ts'

interface Holder {
  readonly pid: number
  /** When that process began, in what unit the system likes; a number that is used again has another. Empty: unknown. */
  readonly processStart: string
  /** Which boot of the machine that was: its id, or its time in seconds since 1970. */
  readonly boot: string
  /** The data file: a copy of the data was never held by anybody. */
  readonly file: string
}

const BOOT_TIME_TOLERANCE_SECONDS = 60

/** @throws RelayStoreError IN_USE, naming the process that holds the store. */
export function takeHold(root: RootDatabase<Uint8Array, Uint8Array>, meta: Table, directory: string): void {
  const self = describeSelf(directory)
  root.transactionSync(() => {
    const row = getRow(meta, HOLDER_KEY)
    const holder = row === undefined ? undefined : (JSON.parse(row.toString()) as Holder)
    if (holder !== undefined && holds(holder, self)) throw inUse(directory, holder.pid)
    meta.putSync(HOLDER_KEY, Buffer.from(JSON.stringify(self)))
  })
}

/** Throws where the disk takes no write; the row then stands until this process is dead, and no longer. */
export function letGo(root: RootDatabase<Uint8Array, Uint8Array>, meta: Table): void {
  root.transactionSync(() => {
    meta.removeSync(HOLDER_KEY)
  })
}

export function inUse(directory: string, pid: number): RelayStoreError {
  return new RelayStoreError('IN_USE', `The store in ${directory} is in use by process ${pid}`)
}

/**
 * LMDB knows its readers by the numbers of their processes. In another container there may be one with the number of this,
 * 1 mostly; lmdb-js then begins no transaction, and has only these words for it.
 */
export function isNumberTaken(error: unknown): boolean {
  return error instanceof Error && error.message.includes('No transaction to renew')
}

/** Where the number of this process is taken. */
export const IN_USE_ELSEWHERE: string = `in use by process ${process.pid} of another container`

function describeSelf(directory: string): Holder {
  const { dev, ino } = statSync(join(directory, 'data.mdb'), { bigint: true })
  return { pid: process.pid, processStart: startOf(process.pid) ?? '', boot: boot(), file: `${dev}:${ino}` }
}

function holds(holder: Holder, self: Holder): boolean {
  if (holder.file !== self.file || !sameBoot(holder.boot, self.boot)) return false
  const start = startOf(holder.pid)
  return start !== undefined && (start === '' || holder.processStart === '' || start === holder.processStart)
}

/** Undefined: no such process. Empty: there is one, and the system does not say since when. */
function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      // proc_pid_stat(5): the name may hold anything, so fields are counted from its closing parenthesis: state, the
      // third, comes next, and the start in ticks since boot is the 22nd.
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      // A zombie is dead, and only waits to be told so to its parent. What its threads may still write, LMDB waits for.
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : (fields[19] ?? '')
    } catch (error) {
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined
      throw error
    }
  }
  try {
    process.kill(pid, 0)
    return ''
  } catch (error) {
    return hasCode(error, 'ESRCH') ? undefined : ''
  }
}

function boot(): string {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return String(Math.round(Date.now() / 1000 - uptime()))
}

function sameBoot(one: string, other: string): boolean {
  if (one === other) return true
  return Math.abs(Number(one) - Number(other)) <= BOOT_TIME_TOLERANCE_SECONDS
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
