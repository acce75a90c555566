// A shared type of Yjs as state of a component.
import { useMemo, useSyncExternalStore } from 'react'

interface Observable {
  observeDeep(observer: () => void): void
  unobserveDeep(observer: () => void): void
}

/** What `read` makes of it, anew after each change. `read` is to be the same function each time. */
export function useShared<Shared extends Observable, Value>(shared: Shared, read: (shared: Shared) => Value): Value {
  const { subscribe, value } = useMemo(() => sourceOf(shared, read), [shared, read])
  return useSyncExternalStore(subscribe, value)
}

function sourceOf<Shared extends Observable, Value>(shared: Shared, read: (shared: Shared) => Value) {
  let value = read(shared)
  return {
    value: () => value,
    subscribe: (changed: () => void) => {
      const observer = (): void => {
        value = read(shared)
        changed()
      }
      // Something may have come between the first reading and this.
      value = read(shared)
      shared.observeDeep(observer)
      return () => shared.unobserveDeep(observer)
    },
  }
}
