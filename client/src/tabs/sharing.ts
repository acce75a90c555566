// What makes a store one that several tabs share. It comes with such a store, and never with Tidemark itself: an app whose store
// has one user does not carry it.
import type { CheckedOptions } from '../options.ts'
import type { TidemarkLike } from '../tidemark-like.ts'
import { TabMember } from './member.ts'

export interface TabSharing {
  /** This tab becomes one of those that share the store. Null: the platform has nothing by which they could. */
  join(options: CheckedOptions): TidemarkLike | null
}

/** For the `sharing` of a DeviceStore; `name` is the store's among all that the tabs can reach. */
export function sharedByTabs(name: string): TabSharing {
  return {
    join(options) {
      const { locks, openChannel } = options.platform
      if (locks === null || openChannel === null) return null
      return new TabMember(options, { name: `tidemark/${name}`, locks, openChannel })
    },
  }
}
