// One device in several tabs of a browser, in memory.
import { type DeviceStore, sharedByTabs, Tidemark, type TidemarkDocument, type TidemarkOptions } from '@tidemark/client'
import { MemoryDisk, type MemoryDiskOptions } from '../../client/src/store/memory-disk.ts'
import { Browser, type Tab } from './tabs.ts'
import { NOVEL, RELAY_URL, World } from './world.ts'

const SHARED_AS = 'indexeddb/novels'

/** One device with several tabs. */
export class TabbedDevice {
  readonly world: World
  readonly disk: MemoryDisk
  readonly browser = new Browser()
  /** All that were ever opened. */
  readonly tabs: TestTab[] = []

  constructor({ world = new World(), disk = {} }: { world?: World; disk?: MemoryDiskOptions } = {}) {
    this.world = world
    this.disk = new MemoryDisk(disk)
  }

  /** The first works on the store. */
  tab(options: Partial<TidemarkOptions> = {}): TestTab {
    const tab = this.browser.tab()
    const store: DeviceStore = {
      sharing: sharedByTabs(SHARED_AS),
      open: () => (tab.hasCrashed ? new Promise(() => undefined) : this.disk.open()),
    }
    const tidemark = new Tidemark({
      store,
      relays: [RELAY_URL],
      token: 'alice/*:delete',
      schedule: false,
      ...options,
      platform: {
        WebSocket: this.world.WebSocket,
        fetch: null,
        now: this.world.now,
        ...tab.platform,
        ...options.platform,
      },
    })
    const opened = new TestTab(this, tab, tidemark)
    this.tabs.push(opened)
    return opened
  }

  /** The text in the device store, once nobody has it open. */
  async textInStore(): Promise<string> {
    const tidemark = new Tidemark({ store: this.disk })
    const text = textOf(await tidemark.open(NOVEL))
    await tidemark.close()
    return text
  }
}

export class TestTab {
  readonly tidemark: Tidemark
  readonly #device: TabbedDevice
  readonly #tab: Tab

  constructor(device: TabbedDevice, tab: Tab, tidemark: Tidemark) {
    this.#device = device
    this.#tab = tab
    this.tidemark = tidemark
  }

  open(id = NOVEL): Promise<TidemarkDocument> {
    return this.tidemark.open(id)
  }

  async type(text: string, at = 0): Promise<void> {
    ;(await this.open()).doc.getText('t').insert(at, text)
  }

  suspend(): void {
    this.#tab.suspend()
  }

  resume(): void {
    this.#tab.resume()
  }

  /** The process of the tab ends, in the middle of whatever it was doing. */
  crash(): void {
    const { browser, disk } = this.#device
    if (browser.holderOf(`tidemark/${SHARED_AS}`) === this.#tab) disk.crash()
    this.#tab.crash()
  }
}

export function textOf({ doc }: TidemarkDocument): string {
  return doc.getText('t').toString()
}
