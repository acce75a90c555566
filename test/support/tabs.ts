// The tabs of one origin in memory: the locks and channels by which they find each other, and tabs that crash. Messages are
// cloned, and arrive in order, each in a task of its own.
import type { Channel, Locks, Platform } from '../../client/src/platform.ts'

interface Waiting {
  readonly tab: Tab
  grant(): void
}

export class Browser {
  /** By name: who has the lock, then who waits for it. */
  readonly #locks = new Map<string, Waiting[]>()
  readonly #channels = new Set<TabChannel>()

  tab(): Tab {
    return new Tab(this)
  }

  take(tab: Tab, name: string, { ifFree, signal }: Parameters<Locks['take']>[1]): ReturnType<Locks['take']> {
    if (tab.hasCrashed) return new Promise(() => undefined)
    const queue = this.#locks.get(name) ?? []
    this.#locks.set(name, queue)
    if (ifFree && queue.length > 0) return Promise.resolve(null)
    return new Promise((resolve) => {
      const onAbort = (): void => {
        this.#leave(queue, waiting)
        resolve(null)
      }
      const waiting: Waiting = {
        tab,
        grant: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve(() => this.#leave(queue, waiting))
        },
      }
      signal?.addEventListener('abort', onAbort)
      queue.push(waiting)
      if (queue[0] === waiting) waiting.grant()
    })
  }

  holderOf(name: string): Tab | null {
    return this.#locks.get(name)?.[0]?.tab ?? null
  }

  open(tab: Tab, name: string): Channel {
    const channel = new TabChannel(this, tab, name)
    this.#channels.add(channel)
    return channel
  }

  post(from: TabChannel, message: unknown): void {
    if (from.tab.hasCrashed) return
    for (const to of this.#channels) {
      if (to === from || to.name !== from.name) continue
      const copy = structuredClone(message)
      setImmediate(() => to.tab.deliver(() => this.#channels.has(to) && to.onMessage?.(copy)))
    }
  }

  close(channel: TabChannel): void {
    this.#channels.delete(channel)
  }

  /** Its channels are closed first: nothing of it is heard after its locks are free. */
  crash(tab: Tab): void {
    for (const channel of this.#channels) if (channel.tab === tab) this.#channels.delete(channel)
    for (const queue of this.#locks.values()) {
      for (const waiting of queue.filter((one) => one.tab === tab)) this.#leave(queue, waiting)
    }
  }

  #leave(queue: Waiting[], waiting: Waiting): void {
    const at = queue.indexOf(waiting)
    if (at < 0) return
    queue.splice(at, 1)
    if (at === 0) queue[0]?.grant()
  }
}

export class Tab {
  hasCrashed = false
  /** Suspended: what is said waits, and its locks stay with it. */
  readonly #waiting: (() => void)[] = []
  #isSuspended = false
  readonly #browser: Browser

  constructor(browser: Browser) {
    this.#browser = browser
  }

  get platform(): Pick<Platform, 'locks' | 'openChannel'> {
    return {
      locks: { take: (name, options) => this.#browser.take(this, name, options) },
      openChannel: (name) => this.#browser.open(this, name),
    }
  }

  suspend(): void {
    this.#isSuspended = true
  }

  resume(): void {
    this.#isSuspended = false
    for (const deliver of this.#waiting.splice(0)) deliver()
  }

  deliver(message: () => void): void {
    if (this.#isSuspended) this.#waiting.push(message)
    else message()
  }

  crash(): void {
    this.hasCrashed = true
    this.#browser.crash(this)
  }
}

class TabChannel implements Channel {
  onMessage: Channel['onMessage'] = null
  readonly tab: Tab
  readonly name: string
  readonly #browser: Browser

  constructor(browser: Browser, tab: Tab, name: string) {
    this.#browser = browser
    this.tab = tab
    this.name = name
  }

  post(message: unknown): void {
    this.#browser.post(this, message)
  }

  close(): void {
    this.#browser.close(this)
  }
}
